package adt

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are those of the doors.
type Metrics struct {
	frames      *prometheus.CounterVec
	badFrames   *prometheus.CounterVec
	connections *prometheus.GaugeVec
	ack         prometheus.Histogram
	eventToAck  prometheus.Histogram

	// Told hears of every reply and how long its sender waited; nil: nobody does.
	Told func(in *Inbound, took time.Duration)
}

// NewMetrics registers the metrics of the doors.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		frames: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "handoff_admission_frames_total", Help: "Messages answered, by the reply's code and whether they had come before.",
		}, []string{"code", "duplicate"}),
		badFrames: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "handoff_admission_frames_dropped_total", Help: "Frames that could not be read to their end, by reason.",
		}, []string{"kind"}),
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "handoff_admission_connections", Help: "Open MLLP connections by feed.",
		}, []string{"feed"}),
		ack: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "handoff_admission_ack_seconds", Help: "Time from the end of a frame to its reply.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		eventToAck: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "handoff_admission_event_to_ack_seconds", Help: "Time from when the sender made a message (MSH-7) to its reply.",
			Buckets: []float64{.1, .5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 86400},
		}),
	}
	r.MustRegister(m.frames, m.badFrames, m.connections, m.ack, m.eventToAck)
	return m
}

// Answered counts a reply.
func (m *Metrics) Answered(in *Inbound, now time.Time) {
	duplicate := "false"
	if in.Duplicate {
		duplicate = "true"
	}
	m.frames.WithLabelValues(string(in.Code), duplicate).Inc()
	m.ack.Observe(now.Sub(in.Received).Seconds())
	if m.Told != nil {
		m.Told(in, now.Sub(in.Received))
	}
	if in.Sent != nil && !in.Duplicate {
		m.eventToAck.Observe(max(0, now.Sub(*in.Sent).Seconds()))
	}
}
