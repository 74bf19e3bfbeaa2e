package admission

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// outcome is what is known of one message.
type outcome struct {
	State, Reason, Facility string
	Flags, Copies           int
}

func (h *hospital) outcomes() (out []outcome) {
	h.t.Helper()
	rows, err := h.db.System.Query(context.Background(), `SELECT CASE WHEN o.id IS NOT NULL THEN 'kept' ELSE coalesce(x.state, 'applied') END, coalesce(x.reason, ''), m.facility, m.flags, m.copies
		FROM message m LEFT JOIN message_open o USING (id) LEFT JOIN message_outcome x USING (id) ORDER BY m.id`)
	if err != nil {
		h.t.Fatal(err)
	}
	if out, err = pgx.CollectRows(rows, pgx.RowToStructByPos[outcome]); err != nil {
		h.t.Fatal(err)
	}
	return out
}

// The ACK table of the contract, row by row, over a real connection of a production feed.
func TestACKTable(t *testing.T) {
	a01 := adtMessage("1", "A01", "202603021000", "77", "V1", "PV1-3=3W^1^2")
	with := func(more ...string) []byte { return adtMessage("1", "A01", "202603021000", "77", "V1", more...) }
	tests := map[string]struct {
		input []byte
		reply string
		state outcome
	}{
		"stored":                               {a01, "AA", outcome{State: "applied", Facility: "GENERAL"}},
		"enhanced mode":                        {with("MSH-15=AL", "MSH-16=AL"), "CA", outcome{State: "applied", Facility: "GENERAL"}},
		"enhanced mode, refused":               {with("MSH-15=AL", "MSH-16=AL", "MSH-11=T"), "CR", outcome{State: "rejected", Reason: "processing-not-allowed"}},
		"only MSH-15 valued":                   {with("MSH-15=AL"), "AA", outcome{State: "applied", Facility: "GENERAL"}},
		"no control id":                        {with("MSH-10="), "AA", outcome{State: "applied", Facility: "GENERAL", Flags: store.IDMissing}},
		"a trigger not acted on":               {adtMessage("1", "A63", "202603021000", "77", "V1"), "AA", outcome{State: "ignored", Reason: "trigger-not-handled", Facility: "GENERAL"}},
		"a merge":                              {adtMessage("1", "A40", "202603021000", "77", "V1", "MRG|78"), "AA", outcome{State: "applied", Facility: "GENERAL"}},
		"a merge of nothing":                   {adtMessage("1", "A40", "202603021000", "77", "V1"), "AA", outcome{State: "quarantined", Reason: "no-prior-id", Facility: "GENERAL"}},
		"a merge with itself":                  {adtMessage("1", "A40", "202603021000", "77", "V1", "MRG|77"), "AA", outcome{State: "ignored", Reason: "prior-id-same", Facility: "GENERAL"}},
		"a link of one patient":                {adtMessage("1", "A24", "202603021000", "77", "V1"), "AA", outcome{State: "quarantined", Reason: "single-patient", Facility: "GENERAL"}},
		"a bed status without patient":         {[]byte("MSH|^~\\&|S|GENERAL|R|F|202603021000||ADT^A20|1|P|2.5\rEVN|A20|202603021000\rNPU|1|C\r"), "AA", outcome{State: "ignored", Reason: "bed-status", Facility: "GENERAL"}},
		"no trigger":                           {with("MSH-9=ADT", "EVN-6="), "AA", outcome{State: "applied", Facility: "GENERAL"}}, // EVN-1 tells
		"no PID-3":                             {with("PID=PID|1||||Canary^Nightingale"), "AA", outcome{State: "quarantined", Reason: "no-patient-id", Facility: "GENERAL"}},
		"an impossible time":                   {adtMessage("1", "A01", "99980302", "77", "V1"), "AA", outcome{State: "quarantined", Reason: "impossible-time", Facility: "GENERAL"}},
		"not HL7":                              {[]byte("GET / HTTP/1.1"), "AE", outcome{State: "rejected", Reason: "not-hl7", Flags: store.IDMissing}},
		"nothing in the frame":                 {[]byte{}, "AE", outcome{State: "rejected", Reason: "not-hl7", Flags: store.IDMissing}},
		"no MSH-9":                             {with("MSH-9="), "AE", outcome{State: "rejected", Reason: "no-message-type"}},
		"two messages in a frame":              {append(append([]byte{}, a01...), a01...), "AE", outcome{State: "rejected", Reason: "not-hl7"}},
		"not ADT":                              {with("MSH-9=ORU^R01"), "AR", outcome{State: "rejected", Reason: "not-adt"}},
		"test on a production feed":            {with("MSH-11=T"), "AR", outcome{State: "rejected", Reason: "processing-not-allowed"}},
		"a facility that is not the feed's":    {with("MSH-4=ELSEWHERE"), "AR", outcome{State: "rejected", Reason: "facility-not-allowed"}},
		"a facility by its universal id":       {with("MSH-4=^2.16.840.1.9^ISO"), "AA", outcome{State: "applied", Facility: "GENERAL"}},
		"a frame over the limit":               {append(append([]byte{}, a01...), bytes.Repeat([]byte("OBX|1|TX|||x\r"), 6000)...), "AE", outcome{State: "rejected", Reason: "frame-too-large"}},
		"line feeds, a byte order mark":        {append([]byte("\xEF\xBB\xBF"), bytes.ReplaceAll(a01, []byte("\r"), []byte("\r\n"))...), "AA", outcome{State: "applied", Facility: "GENERAL"}},
		"other delimiters":                     {[]byte(strings.NewReplacer("|", "#", "^", "@", "~", "%", "&", "*").Replace(string(a01))), "AA", outcome{State: "applied", Facility: "GENERAL"}},
		"an update of nobody's visit":          {adtMessage("1", "A31", "202603021000", "77", "", "PV1-2=N"), "AA", outcome{State: "applied", Facility: "GENERAL"}},
		"a fragment":                           {with("MSH-14=more"), "AA", outcome{State: "quarantined", Reason: "fragment", Facility: "GENERAL"}},
		"a message from the beginning of time": {adtMessage("1", "A01", "1801", "77", "V1"), "AA", outcome{State: "quarantined", Reason: "impossible-time", Facility: "GENERAL"}},
	}
	h := startProduction(t)
	reader, conn := h.dial()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h.t = t
			h.clean()
			if err := mllp.WriteFrame(conn, tt.input); err != nil {
				t.Fatal(err)
			}
			raw, err := reader.ReadFrame()
			if err != nil {
				t.Fatalf("no reply: %v", err)
			}
			reply, err := hl7.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			h.settle()
			tt.state.Copies = 1
			if diff := cmp.Diff([]string{tt.reply}, []string{reply.Get("MSA-1").String()}); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]outcome{tt.state}, h.outcomes()); diff != "" {
				t.Error(diff)
			}
			if negative := tt.reply[1] != 'A'; negative != reply.Segment("ERR").Exists() {
				t.Errorf("ERR: %v", !negative)
			}
			if bytes.Contains(raw, []byte("Nightingale")) {
				t.Error("the reply names the patient")
			}
		})
	}
}

// startProduction runs an admission with one production feed for GENERAL, on a plain connection.
func startProduction(t *testing.T) *hospital {
	t.Helper()
	h := startOn(t, testDB(t), run.Config{Dev: true, MLLP: "127.0.0.1:0", MaxFrame: 64 << 10})
	ctx := context.Background()
	fac := events.Derive("facility", DemoOrg.String(), "GENERAL")
	for _, q := range []string{
		`INSERT INTO facility (id, org_id, code, name, zone, verified, aliases) VALUES ($1, $2, 'GENERAL', 'General', 'America/New_York', true, '{2.16.840.1.9}')`,
		`UPDATE feed SET development = false WHERE org_id = $2 AND $1::uuid IS NOT NULL`,
		`INSERT INTO feed_facility (feed_id, facility_id, org_id) SELECT id, $1, $2 FROM feed`,
	} {
		if _, err := h.db.System.Exec(ctx, q, fac, DemoOrg); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.directory.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	return h
}

// clean forgets all messages.
func (h *hospital) clean() {
	h.t.Helper()
	for attempt := 1; ; attempt++ {
		_, err := h.db.System.Exec(context.Background(), `TRUNCATE message, message_raw, message_open, message_outcome, tally`)
		if err == nil {
			return
		}
		if !passing(err) || attempt == 5 { // the running loops lock tables in orders of their own
			h.t.Fatal(err)
		}
	}
}

// The same bytes under the same id: the same reply, no effect, counted. Other bytes: another message, flagged.
func TestDuplicates(t *testing.T) {
	h := start(t)
	admit := adtMessage("1", "A01", "202603021000", "77", "V1")
	other := adtMessage("1", "A01", "202603021000", "78", "V2")
	refused := adtMessage("2", "A01", "202603021000", "78", "V2", "MSH-9=ORU^R01")
	noID := adtMessage("", "A08", "202603021100", "77", "V1")
	codes := h.send(admit, admit, other, admit, refused, refused, noID, noID)
	if diff := cmp.Diff([]string{"AA", "AA", "AA", "AA", "AR", "AR", "AA", "AA"}, codes); diff != "" {
		t.Error(diff)
	}
	h.settle()
	want := []outcome{
		{State: "applied", Facility: "GENERAL", Copies: 3},
		{State: "applied", Facility: "GENERAL", Copies: 1, Flags: store.IDReused},
		{State: "rejected", Reason: "not-adt", Copies: 2},
		{State: "applied", Facility: "GENERAL", Copies: 2, Flags: store.IDMissing},
	}
	if diff := cmp.Diff(want, h.outcomes()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"admitted", "admitted"}, h.facts("care.encounter.")); diff != "" {
		t.Error(diff)
	}
	h.balanced()
}

// Frames that come together are answered one by one, in order, also copies within one commit.
func TestPipelinedFrames(t *testing.T) {
	h := start(t)
	r, c := h.dial()
	var burst []byte
	var want []string
	for i := range 50 {
		m := adtMessage(string(rune('a'+i%5))+"x", "A08", "202603021100", "77", "V1")
		burst, _ = mllp.AppendFrame(burst, m)
		want = append(want, string(rune('a'+i%5))+"x")
	}
	if _, err := c.Write(burst); err != nil {
		t.Fatal(err)
	}
	for i, id := range want {
		raw, err := r.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		m, err := hl7.Parse(raw)
		if err != nil || m.Get("MSA-2").String() != id || m.Get("MSA-1").String() != "AA" {
			t.Fatalf("reply %d is %q", i, raw)
		}
	}
	h.settle()
	if got := h.outcomes(); len(got) != 5 {
		t.Errorf("%d messages", len(got))
	} else if got[0].Copies != 10 {
		t.Errorf("%d copies", got[0].Copies)
	}
}
