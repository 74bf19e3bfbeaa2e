package truth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/cmd/handoff/internal/truth/rig"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

// capture is a file of messages; group says what it is counted with: a capture of a whole feed is
// counted by itself, single samples together.
type capture struct {
	name, group string
	messages    [][]byte
}

// readCaptures finds all messages below a folder, in files of any kind.
func readCaptures(dir string) (list []capture, err error) {
	feeds := 0
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) == ".md" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		c := capture{name: rel, group: "samples", messages: hl7.Split(data).Messages}
		if filepath.Ext(path) == ".mllp" {
			feeds++
			c.group = fmt.Sprintf("feed %d", feeds)
		}
		if len(c.messages) == 0 && len(bytes.TrimSpace(data)) > 0 {
			c.messages = [][]byte{data} // no message in it: sent as it is, to be refused
		}
		list = append(list, c)
		return nil
	})
	return list, err
}

// TestCorpus sends every message of a folder to everything, and says what became of each: CORPUS=dir,
// else the project's own. Nothing may stay undecided, break a law, or hold others up.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "pkg", "hl7", "testdata", "corpus")
	}
	list, err := readCaptures(dir)
	if err != nil || len(list) == 0 {
		t.Fatalf("no messages in %s: %v", dir, err)
	}
	r := rig.Start(t)
	groups, sent := map[[sha256.Size]byte]string{}, 0
	work := make(chan capture)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for c := range work {
				if err := sendAll(t.Context(), r.MLLP, c.messages); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			}
		})
	}
	for _, c := range list {
		for _, m := range c.messages {
			groups[sha256.Sum256(m)] = c.group
			sent++
		}
		work <- c
	}
	close(work)
	wg.Wait()
	r.Rest(restWithin)
	r.Balanced("the corpus", rig.DemoOrg)
	outcomes := outcomesOf(t, r, groups)
	kept := 0
	for _, o := range outcomes {
		kept += o.n
		if o.state == "kept" {
			t.Errorf("%d messages %s are still undecided", o.n, o.trigger)
		}
	}
	t.Logf("%d files, %d messages sent, %d different ones kept\n\n%s", len(list), sent, kept, markdown(outcomes))
	if kept == 0 {
		t.Error("nothing was kept")
	}
}

// sendAll sends messages over one connection; any reply will do.
func sendAll(ctx context.Context, addr string, messages [][]byte) error {
	client := mllp.NewClient(addr, mllp.ClientOptions{Attempts: 3, Reply: 30 * time.Second})
	defer client.Close()
	for i, m := range messages {
		if bytes.ContainsAny(m, "\x0b\x1c") {
			continue // cannot be framed
		}
		if _, err := client.Send(ctx, m); err != nil {
			return fmt.Errorf("message %d: %w", i+1, err)
		}
	}
	return nil
}

// outcome counts messages of one trigger that came to one end.
type outcome struct {
	group, trigger, state, reason string
	n                             int
}

func outcomesOf(t *testing.T, r *rig.Rig, groups map[[sha256.Size]byte]string) []outcome {
	t.Helper()
	rows, err := r.DB.Query(t.Context(), `SELECT m.trigger, CASE WHEN k.id IS NOT NULL THEN 'kept' ELSE coalesce(o.state, 'applied') END, coalesce(o.reason, ''), m.hash
		FROM admission.message m LEFT JOIN admission.message_outcome o USING (id) LEFT JOIN admission.message_open k USING (id)`)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[outcome]int{}
	var o outcome
	var hash []byte
	if _, err := pgx.ForEachRow(rows, []any{&o.trigger, &o.state, &o.reason, &hash}, func() error {
		o.group = groups[[sha256.Size]byte(hash)]
		if o.state == "rejected" {
			o.trigger = ""
		}
		counts[o]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var list []outcome
	for o, n := range counts {
		o.n = n
		list = append(list, o)
	}
	return list
}

// markdown is a table: a line for each trigger and end, a column for each group.
func markdown(list []outcome) string {
	var groups []string
	lines := map[[3]string]map[string]int{}
	for _, o := range list {
		if !slices.Contains(groups, o.group) {
			groups = append(groups, o.group)
		}
		key := [3]string{o.trigger, o.state, o.reason}
		if lines[key] == nil {
			lines[key] = map[string]int{}
		}
		lines[key][o.group] += o.n
	}
	slices.Sort(groups)
	var keys [][3]string
	for k := range lines {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [3]string) int { return slices.Compare(a[:], b[:]) })
	var b strings.Builder
	fmt.Fprintf(&b, "| trigger | outcome | reason | %s |\n|---|---|---|%s\n", strings.Join(groups, " | "), strings.Repeat("--:|", len(groups)))
	for _, k := range keys {
		fmt.Fprintf(&b, "| %s | %s | %s |", orDash(k[0]), k[1], orDash(k[2]))
		for _, g := range groups {
			if n := lines[k][g]; n > 0 {
				fmt.Fprintf(&b, " %d |", n)
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
