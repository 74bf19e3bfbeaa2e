package deliver

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

const (
	one = "MSH|^~\\&|A|B|||20260302||ADT^A01|1|P|2.5.1\rPID|1\r"
	two = "MSH|^~\\&|A|B|||20260302||ADT^A03^ADT_A03|2|P|2.5.1\rPID|1\r"
)

func TestMessagesOfAFile(t *testing.T) {
	frame := func(s string) string { return "\x0b" + s + "\x1c\r" }
	for name, c := range map[string]struct {
		content string
		want    []string
	}{
		"one message":                {one, []string{one}},
		"two messages":               {one + two, []string{one, two}},
		"a batch":                    {"FHS|^~\\&\rBHS|^~\\&\r" + one + two + "BTS|2\rFTS|1\r", []string{one, two}},
		"an MLLP capture":            {frame(one) + frame(two), []string{one, two}},
		"a capture with a heartbeat": {frame(one) + "\r\n" + frame(two), []string{one, two}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Messages([]byte(c.content))
			if err != nil {
				t.Fatal(err)
			}
			var text []string
			for _, m := range got {
				text = append(text, strings.TrimRight(string(m), "\r"))
			}
			want := make([]string, len(c.want))
			for i, w := range c.want {
				want[i] = strings.TrimRight(w, "\r")
			}
			if d := cmp.Diff(want, text); d != "" {
				t.Fatal(d)
			}
		})
	}
}

func TestAFileWithoutMessagesIsAnError(t *testing.T) {
	if _, err := Messages([]byte("hello")); !errors.Is(err, ErrNothing) {
		t.Fatalf("error %v, want %v", err, ErrNothing)
	}
	if _, err := Messages([]byte("\x0b" + one)); err == nil {
		t.Fatal("a capture that ends inside a frame was taken for whole")
	}
}

type answers []hl7.Code

func (a *answers) Send(_ context.Context, msg []byte) (mllp.Reply, error) {
	code := (*a)[0]
	*a = (*a)[1:]
	if code == "" {
		return mllp.Reply{Attempts: 3}, errors.New("connection refused")
	}
	h, _ := hl7.PeekHeader(msg)
	m, err := hl7.Parse(hl7.Ack(h, hl7.Reply{Code: code, ID: "r", Time: time.Now()}))
	if err != nil {
		return mllp.Reply{}, err
	}
	return mllp.Reply{Code: hl7.Code(m.Get("MSA-1").String()), Text: "why", Attempts: 1}, nil
}

func TestOnlyPositiveRepliesCount(t *testing.T) {
	for name, c := range map[string]struct {
		answers answers
		ok      bool
		says    string
	}{
		"all accepted": {answers{"AA", "AA"}, true, "2 sent, 2 accepted;"},
		"one refused":  {answers{"AA", "AR"}, false, "2 sent, 1 accepted, 1 AR;"},
		"one in error": {answers{"AE", "AA"}, false, "2 sent, 1 accepted, 1 AE;"},
		"no reply":     {answers{"AA", ""}, false, "2 sent, 1 accepted, 1 without a reply;"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			r := &Report{Out: &out}
			_ = r.File(t.Context(), &c.answers, "f.hl7", [][]byte{[]byte(one), []byte(two)})
			if r.OK() != c.ok || !strings.HasPrefix(r.Summary(), c.says) {
				t.Fatalf("ok %v, summary %q; want %v, %q", r.OK(), r.Summary(), c.ok, c.says)
			}
			if n := strings.Count(out.String(), "\n"); n != 2 {
				t.Fatalf("%d lines for 2 messages:\n%s", n, out.String())
			}
		})
	}
}

func TestNothingSentIsNotOK(t *testing.T) {
	if (&Report{}).OK() {
		t.Fatal("nothing was sent and all is well")
	}
}
