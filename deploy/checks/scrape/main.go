// Command scrape compares the metrics of a running system with metrics.txt, or writes them there.
//
//	go run ./scrape http://127.0.0.1:8080/metrics                  compare: exit 1 on any difference
//	go run ./scrape -write http://127.0.0.1:8080/metrics           add what is new, correct what changed
//
// Several addresses are services apart. Run it on a system that has done some work: a metric with labels shows
// only once something happened.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/handoff-care/handoff/deploy/checks"
)

func main() {
	file := flag.String("list", "metrics.txt", "the list")
	write := flag.Bool("write", false, "write what the system shows to the list")
	flag.Parse()
	if err := run(*file, *write, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "scrape:", err)
		os.Exit(1)
	}
}

func run(file string, write bool, addresses []string) error {
	if len(addresses) == 0 {
		return fmt.Errorf("say where: http://127.0.0.1:8080/metrics")
	}
	running := checks.Metrics{}
	for _, address := range addresses {
		one, err := scrape(address)
		if err != nil {
			return fmt.Errorf("%s: %w", address, err)
		}
		running.Merge(one)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	list, err := checks.ReadMetrics(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	differences, unseen := list.Differences(running)
	for _, name := range unseen {
		fmt.Fprintln(os.Stderr, "not shown by the system (nothing of the kind happened?):", name)
	}
	for _, d := range differences {
		fmt.Fprintln(os.Stderr, d)
	}
	if write {
		return save(file, text, list, running)
	}
	if len(differences) > 0 {
		return fmt.Errorf("%d differences from %s; -write corrects it", len(differences), file)
	}
	return nil
}

func scrape(address string) (checks.Metrics, error) {
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.Get(address)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s", res.Status)
	}
	return checks.Scrape(res.Body)
}

// save keeps the comment at the head of the list.
func save(file string, text []byte, list, running checks.Metrics) error {
	var out bytes.Buffer
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("#")) {
			break
		}
		out.Write(line)
	}
	for name, m := range running {
		list[name] = m
	}
	if err := list.Write(&out); err != nil {
		return err
	}
	return os.WriteFile(file, out.Bytes(), 0o644)
}
