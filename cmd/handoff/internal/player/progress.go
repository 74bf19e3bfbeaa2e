package player

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress shows a line per facility on a terminal. The zero progress shows nothing.
type progress struct {
	all   *mpb.Progress
	bars  map[string]*mpb.Bar
	no    map[string]*atomic.Int64 // refused, by facility
	total *mpb.Bar
}

func newProgress(w io.Writer, count int) progress {
	if w == nil {
		return progress{}
	}
	p := progress{all: mpb.New(mpb.WithOutput(w), mpb.WithRefreshRate(250*time.Millisecond)), bars: map[string]*mpb.Bar{}, no: map[string]*atomic.Int64{}}
	if count > 0 {
		p.total = p.all.AddBar(int64(count), mpb.BarPriority(1000), mpb.PrependDecorators(decor.Name("all", decor.WCSyncSpaceR), decor.CountersNoUnit("%d of %d")),
			mpb.AppendDecorators(decor.Percentage(), decor.AverageETA(decor.ET_STYLE_GO, decor.WC{W: 8})))
	}
	return p
}

// sent counts a reply. It is called by one goroutine at a time.
func (p progress) sent(facility string, accepted bool) {
	if p.all == nil {
		return
	}
	bar := p.bars[facility]
	if bar == nil {
		refused := new(atomic.Int64)
		p.no[facility] = refused
		bar = p.all.New(0, mpb.NopStyle(), mpb.BarPriority(len(p.bars)),
			mpb.PrependDecorators(decor.Name(facility, decor.WCSyncSpaceR), decor.CurrentNoUnit("%d messages", decor.WCSyncSpace), decor.AverageSpeed(0, "%6.1f/s", decor.WCSyncSpace)),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
				n := refused.Load()
				if n == 0 {
					return ""
				}
				return fmt.Sprintf("%d refused", n)
			})))
		p.bars[facility] = bar
	}
	if !accepted {
		p.no[facility].Add(1)
	}
	bar.Increment()
	if p.total != nil {
		p.total.Increment()
	}
}

// end leaves the last state on the terminal.
func (p progress) end() {
	if p.all == nil {
		return
	}
	for _, bar := range p.bars {
		bar.SetTotal(-1, true)
	}
	if p.total != nil {
		p.total.Abort(false)
	}
	p.all.Wait()
}
