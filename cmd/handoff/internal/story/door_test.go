package story

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/api"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

// found waits for the messages under a control id to be n, none of them waiting any more.
func (s *scene) found(id string, n int) (list []api.Message) {
	s.Helper()
	s.await(func() (err error) {
		list, err = api.Search[api.Message](s.ctx, s.engineer, "admission", "/messages/search", map[string]any{"control_id": id})
		if err != nil {
			return err
		}
		if len(list) != n {
			return fmt.Errorf("%d messages under %q, want %d: %+v", len(list), id, n, list)
		}
		for _, m := range list {
			if m.State == "kept" {
				return fmt.Errorf("message %q is not handled yet", id)
			}
		}
		return nil
	})
	return list
}

func duplicates(s *scene) {
	stay := s.stay("home")
	s.send(stay)
	e := s.encounter(stay, "finished")
	before := s.transition(e, "active")
	version := func() (v string) {
		var whole map[string]any
		if err := s.engineer.Get(s.ctx, "admission", "/encounters/"+e.ID, &whole); err != nil {
			s.Fatal(err)
		}
		return fmt.Sprint(whole)
	}
	first, tasks, said := version(), s.tasks(e), s.alert(e, "transition-opened", "raised")
	for range 3 {
		s.send(stay) // the same bytes, each three times more
	}
	s.rest()
	for _, m := range stay.Messages() {
		if got := s.found(m.ControlID, 1)[0]; got.State != "applied" {
			s.Errorf("%s %s is %s after it was repeated", m.Trigger, m.ControlID, got.State)
		}
	}
	if again := version(); again != first {
		s.Errorf("the stay is\n%s\nafter its messages were repeated; before\n%s", again, first)
	}
	if after := s.transition(e, "active"); after.Version != before.Version {
		s.Errorf("the transition went from version %d to %d", before.Version, after.Version)
	}
	for code, t := range s.tasks(e) {
		if t.ID != tasks[code].ID || t.Version != tasks[code].Version {
			s.Errorf("task %s is %+v; it was %+v", code, t, tasks[code])
		}
	}
	if now := s.alert(e, "transition-opened", "raised"); now.ID != said.ID || now.Version != said.Version {
		s.Errorf("the alert is %+v; it was %+v", now, said)
	}

	// The same id with other bytes is another message, and is not passed over in silence.
	m := stay.Message(3)
	other := bytes.Replace(m.Body, []byte("|4EAST^"), []byte("|5NORTH^"), 1)
	if bytes.Equal(other, m.Body) {
		s.Fatal("the message was to be changed")
	}
	if r := s.raw(other); r.Code != hl7.AA {
		s.Errorf("the same id with other bytes was answered %s", r.Code)
	}
	flagged := 0
	for _, m := range s.found(m.ControlID, 2) {
		if m.Flagged("id-reused") {
			flagged++
		}
	}
	if flagged != 1 {
		s.Errorf("%d of two messages of one id are flagged, want the second", flagged)
	}
}

// bad is one row of contract.md's table of answers.
type bad struct {
	what   string
	change func(string) string // of a good A08
	code   hl7.Code
	state  string
	reason bool // there is one
}

var bads = []bad{
	{"an event we do not act on", func(m string) string { return strings.ReplaceAll(m, "A08", "A20") }, "AA", "ignored", true},
	{"no patient identifier", func(m string) string { return cut(m, "PID", 3) }, "AA", "quarantined", true},
	{"no message type", func(m string) string { return cut(m, "MSH", 8) }, "AE", "rejected", true},
	{"not ADT", func(m string) string { return strings.Replace(m, "ADT^A08", "ORU^R01", 1) }, "AR", "rejected", true},
	{"enhanced mode", func(m string) string { return put(m, "MSH", 14, "AL", "NE") }, "CA", "applied", false},
	{"enhanced mode, not ADT", func(m string) string {
		return put(strings.Replace(m, "ADT^A08", "ORU^R01", 1), "MSH", 14, "AL", "NE")
	}, "CR", "rejected", true},
	{"enhanced mode, no message type", func(m string) string { return put(cut(m, "MSH", 8), "MSH", 14, "AL", "NE") }, "CE", "rejected", true},
	{"for training", func(m string) string { return strings.Replace(m, "|P|2.5.1", "|T|2.5.1", 1) }, "AA", "applied", false},
}

// put sets the n-th field (the part after the n-th separator) of a segment, and those after it.
func put(message, segment string, n int, values ...string) string {
	lines := strings.Split(message, "\r")
	for i, line := range lines {
		if !strings.HasPrefix(line, segment+"|") {
			continue
		}
		fields := strings.Split(line, "|")
		for len(fields) < n+len(values) {
			fields = append(fields, "")
		}
		copy(fields[n:], values)
		lines[i] = strings.Join(fields, "|")
	}
	return strings.Join(lines, "\r")
}

func cut(message, segment string, n int) string { return put(message, segment, n, "") }

func badInput(s *scene) {
	stay := s.stay("home")
	s.send(stay, 1)
	for _, b := range bads {
		stay.Prefix = fmt.Sprintf("%s-%s-", s.facility, strings.ReplaceAll(b.what, " ", "-"))
		m := stay.Message(2)
		r := s.raw([]byte(b.change(string(m.Body))))
		if r.Code != b.code {
			s.Errorf("%s: answered %s %q, want %s", b.what, r.Code, r.Text, b.code)
		}
		if got := s.found(m.ControlID, 1)[0]; got.State != b.state || (got.Reason != "") != b.reason {
			s.Errorf("%s: the message is %s %q, want %s, with a reason: %v", b.what, got.State, got.Reason, b.state, b.reason)
		}
	}
	s.strangeFrames()
	s.quarantineTold()
}

// quarantineTold: operations learn of a reason once, however many messages there are.
func (s *scene) quarantineTold() {
	s.Helper()
	kind := func() int {
		list, err := api.List[api.Alert](s.ctx, s.auditor, "notification", "/alerts", "kind", "message-quarantined")
		if err != nil {
			s.Fatal(err)
		}
		return len(list)
	}
	s.await(func() error {
		if n := kind(); n != 1 {
			return fmt.Errorf("%d alerts of quarantined messages, want 1", n)
		}
		return nil
	})
	stay := s.stay("home")
	for i := range 3 {
		if r := s.raw([]byte(cut(string(stay.Message(i).Body), "PID", 3))); r.Code != hl7.AA {
			s.Errorf("answered %s", r.Code)
		}
		s.found(stay.Message(i).ControlID, 1)
	}
	s.rest()
	if n := kind(); n != 1 {
		s.Errorf("%d alerts of messages quarantined for one reason, want 1", n)
	}
}

// strangeFrames sends what real senders put on the wire, all over one connection.
func (s *scene) strangeFrames() {
	s.Helper()
	conn, err := net.Dial("tcp", s.sys.MLLP()[0])
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		s.Fatal(err)
	}
	in := mllp.NewReader(conn, mllp.Options{SetReadDeadline: func(time.Time) error { return nil }})
	stay := s.stay("home")
	a01, a02, a08 := string(stay.Message(0).Body), string(stay.Message(1).Body), string(stay.Message(2).Body)
	missing := s.stay("home")
	nameless := strings.Replace(string(missing.Message(0).Body), missing.Message(0).ControlID, "", 1)
	huge := "MSH|^~\\&|STORY|" + s.facility + "|HANDOFF||20260302||ADT^A08|HUGE" + s.facility + "|P|2.5.1\rZZZ|" + strings.Repeat("x", 3<<20) + "\r"
	for _, c := range []struct {
		what  string
		parts []string // written one by one
		codes []hl7.Code
	}{
		{"bytes before the frame, and no CR after it", []string{"\r\n  \x0b" + a01 + "\x1c"}, []hl7.Code{"AA"}},
		{"two frames in one write", []string{"\r\x0b" + a01 + "\x1c\r\x0b" + a02 + "\x1c\r"}, []hl7.Code{"AA", "AA"}},
		{"a frame in three writes", []string{"\x0b" + a08[:10], a08[10:200], a08[200:] + "\x1c\r"}, []hl7.Code{"AA"}},
		{"not HL7", []string{"\x0bGET / HTTP/1.1\x1c\r"}, []hl7.Code{"AE"}},
		{"no control id", []string{"\x0b" + nameless + "\x1c\r"}, []hl7.Code{"AA"}},
		{"a frame over the limit", []string{"\x0b" + huge + "\x1c\r"}, []hl7.Code{"AE"}},
		{"and the connection goes on", []string{"\x0b" + a08 + "\x1c\r"}, []hl7.Code{"AA"}},
	} {
		for _, part := range c.parts {
			if _, err := io.WriteString(conn, part); err != nil {
				s.Fatalf("%s: %v", c.what, err)
			}
		}
		for i, want := range c.codes {
			reply, err := in.ReadFrame()
			if err != nil {
				s.Fatalf("%s: reply %d: %v", c.what, i+1, err)
			}
			m, err := hl7.Parse(reply)
			if err != nil {
				s.Fatalf("%s: reply %d: %v\n%q", c.what, i+1, err, reply)
			}
			if got := hl7.Code(m.Get("MSA-1").String()); got != want {
				s.Errorf("%s: reply %d is %s, want %s\n%q", c.what, i+1, got, want, reply)
			}
		}
	}
	s.found("HUGE"+s.facility, 1)
	list, err := api.List[api.Message](s.ctx, s.engineer, "admission", "/messages", "facility", s.facility)
	if err != nil {
		s.Fatal(err)
	}
	flagged := 0
	for _, m := range list {
		if m.ControlID == "" && m.Flagged("id-missing") {
			flagged++
		}
	}
	if flagged != 1 {
		s.Errorf("%d messages without an id are flagged, want 1", flagged)
	}
}
