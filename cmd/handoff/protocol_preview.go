package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/handoff-care/handoff/cmd/handoff/internal/remote"
	"github.com/handoff-care/handoff/pkg/web"
)

type protocolPreview struct {
	remote.Flags   `embed:""`
	protocolChoice `embed:""`
	Days           int    `default:"30" help:"How many days of recorded stays to look at; at most 90."`
	Facility       string `placeholder:"CODE" help:"Stays of one facility (MSH-4) alone."`
	Patients       bool   `help:"List every stay whose tasks would differ."`
	JSON           bool   `name:"json" help:"Print what comes, one JSON document a line: stays whose tasks would differ, then the figures."`
}

// preview is what the API tells of a preview, as far as a table shows it.
type preview struct {
	Stays, Changed, Opened, Closed int
	Tasks                          struct{ Today, Candidate int }
	Codes, Protocols, People       []remote.Item
}

type previewLine struct {
	Progress *struct {
		Done, Of int
		Seconds  float64
	}
	Patient *struct {
		Encounter  string `json:"encounter_id"`
		Patient    string `json:"patient_id"`
		Facility   string
		Discharged time.Time `json:"discharged_at"`
		Tasks      []struct{ Code, Change string }
	}
	Result *preview
	Error  string
}

// Run shows how far it is, and then the figures side by side.
func (c *protocolPreview) Run(ctx context.Context, term terminal) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	client, err := c.Connect(web.Admin)
	if err != nil {
		return err
	}
	body["days"], body["facility"], body["patients"] = c.Days, c.Facility, "none"
	if c.Patients || c.JSON {
		body["patients"] = "changed"
	}
	bar := newPreviewBar(screen(term.Err))
	defer bar.end()
	var result *preview
	seconds := 0.0
	err = client.Stream(ctx, "discharge", "/protocols/preview", body, func(text []byte) error {
		var l previewLine
		if err := json.Unmarshal(text, &l); err != nil {
			return err
		}
		switch {
		case l.Error != "":
			return errors.New(l.Error)
		case l.Progress != nil:
			seconds = l.Progress.Seconds
			bar.at(l.Progress.Done, l.Progress.Of)
			return nil
		case l.Result != nil:
			result = l.Result
		}
		if c.JSON {
			_, err := fmt.Fprintf(term.Out, "%s\n", text)
			return err
		}
		if l.Patient != nil {
			c.patient(term.Out, l)
		}
		return nil
	})
	bar.end()
	switch {
	case err != nil:
		return err
	case result == nil:
		return errors.New("the preview ended without figures; is the instance stopping?")
	case c.JSON:
		return nil
	}
	return result.show(term.Out, c.Days, seconds)
}

func (c *protocolPreview) patient(w io.Writer, l previewLine) {
	var tasks []string
	for _, t := range l.Patient.Tasks {
		tasks = append(tasks, t.Change+" "+t.Code)
	}
	fmt.Fprintf(w, "%s  patient %s  %s  %s  %s\n", l.Patient.Encounter, l.Patient.Patient, l.Patient.Facility,
		l.Patient.Discharged.Local().Format(time.DateOnly), strings.Join(tasks, ", "))
}

func (p *preview) show(w io.Writer, days int, seconds float64) error {
	fmt.Fprintf(w, "%d stays of the last %d days, in %.1f s: the tasks of %d would differ; %d that get none today would get some, %d that get some would get none\n",
		p.Stays, days, seconds, p.Changed, p.Opened, p.Closed)
	fmt.Fprintf(w, "tasks: %d today, %d then (%+d)\n\n", p.Tasks.Today, p.Tasks.Candidate, p.Tasks.Candidate-p.Tasks.Today)
	var out remote.Output
	if err := out.Show(w, p.Codes, "code", "today", "candidate", "gained", "lost", "moved", "changed"); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if err := out.Show(w, p.Protocols, "protocol", "today", "candidate"); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return out.Show(w, p.People, "role", "owner", "today_per_day", "candidate_per_day", "today_busiest", "candidate_busiest", "days")
}

// previewBar shows how far a preview is, on a terminal. One without a terminal shows nothing.
type previewBar struct {
	all *mpb.Progress
	bar *mpb.Bar
}

func newPreviewBar(w io.Writer) *previewBar {
	if w == nil {
		return &previewBar{}
	}
	all := mpb.New(mpb.WithOutput(w), mpb.WithRefreshRate(200*time.Millisecond))
	return &previewBar{all: all, bar: all.AddBar(0, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.CountersNoUnit("%d of %d stays ")), mpb.AppendDecorators(decor.Percentage(), decor.AverageETA(decor.ET_STYLE_GO, decor.WC{W: 8})))}
}

func (b *previewBar) at(done, of int) {
	if b.bar == nil {
		return
	}
	b.bar.SetTotal(int64(of), false)
	b.bar.SetCurrent(int64(done))
}

// end takes the bar away. It may be called more than once.
func (b *previewBar) end() {
	if b.bar == nil {
		return
	}
	b.bar.Abort(true)
	b.all.Wait()
	b.bar = nil
}
