package checks

import (
	"slices"
	"strings"
	"testing"
)

// The collector's pipelines are made of parts that are configured, take what the services send, and drop what a span
// must not carry.
func TestTracesReachTheirStore(t *testing.T) {
	var file struct {
		Receivers  map[string]map[string]any `yaml:"receivers"`
		Processors map[string]map[string]any `yaml:"processors"`
		Exporters  map[string]struct {
			Endpoint string         `yaml:"endpoint"`
			TLS      map[string]any `yaml:"tls"`
		} `yaml:"exporters"`
		Extensions map[string]map[string]any `yaml:"extensions"`
		Service    struct {
			Extensions []string `yaml:"extensions"`
			Pipelines  map[string]struct {
				Receivers  []string `yaml:"receivers"`
				Processors []string `yaml:"processors"`
				Exporters  []string `yaml:"exporters"`
			} `yaml:"pipelines"`
		} `yaml:"service"`
	}
	strictly(t, "../otel/collector.yaml", &file)
	traces := file.Service.Pipelines["traces"]
	for _, name := range traces.Receivers {
		if _, ok := file.Receivers[name]; !ok {
			t.Errorf("the receiver %s is not configured", name)
		}
	}
	for _, name := range traces.Processors {
		if _, ok := file.Processors[name]; !ok {
			t.Errorf("the processor %s is not configured", name)
		}
	}
	if !slices.Contains(traces.Processors, "attributes/hygiene") {
		t.Error("nothing drops what a span must not carry")
	}
	p := composed(t)
	for _, name := range traces.Exporters {
		host, port, _ := strings.Cut(file.Exporters[name].Endpoint, ":")
		if p.Services[host].Name == "" || port == "" {
			t.Errorf("the exporter %s sends to %q, which is no service of docker-compose.yml", name, file.Exporters[name].Endpoint)
		}
	}
	for _, name := range ours(t) {
		if to := p.Services[name].Environment["OTEL_EXPORTER_OTLP_ENDPOINT"]; to == nil || *to != "http://otel-collector:4318" {
			t.Errorf("%s does not send its traces to the collector", name)
		}
	}
	var tempo struct {
		Server      map[string]int            `yaml:"server"`
		Distributor map[string]map[string]any `yaml:"distributor"`
		Compactor   map[string]map[string]any `yaml:"compactor"`
		Storage     map[string]map[string]any `yaml:"storage"`
		Usage       map[string]bool           `yaml:"usage_report"`
	}
	strictly(t, "../tempo/tempo.yaml", &tempo)
}
