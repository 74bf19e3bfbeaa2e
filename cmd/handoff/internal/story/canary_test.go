package story

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/api"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/stays"
	"github.com/handoff-care/handoff/pkg/hl7"
)

// bird is a patient whose every word is unmistakable.
var bird = stays.Person{
	MRN: "CANARYMRN77313", Family: "Zzcanarysmith", Given: "Quillabelle", Born: "19410213", Street: "1313 Nightjarhollow Lane",
	City: "Canaryville", ZIP: "62704", Phone: "2175550199887", SSN: "987654320", KinFamily: "Zzcanarykin", KinGiven: "Peregrina",
}

// words are what may be found in admission alone. The birth date is among them: others get an age.
var words = []string{
	"CANARYMRN77313", "zzcanarysmith", "quillabelle", "nightjarhollow", "canaryville", "2175550199887", "987654320", "zzcanarykin",
	"peregrina", "19410213", "1941-02-13", "CANARYVISIT",
}

// canary: the whole way, and every way it can go wrong, with a patient whose name would be seen
// wherever it went; then every place that is not admission's is searched.
func canary(s *scene) {
	s.roster()
	screen := s.watch()
	stay := s.stay("nursing facility")
	stay.Person, stay.Visit = bird, "CANARYVISIT"+s.facility
	s.send(stay)
	e := s.encounter(stay, "finished")
	s.referral(e, "drafted")
	a := s.alert(e, "transition-opened", "raised")
	s.shown(screen, a)
	s.goWrong(stay)
	s.mailed(e)

	for _, place := range []func() map[string][]byte{s.logs, s.metrics, s.events, s.screens(screen), s.outgoing} {
		for name, text := range place() {
			for _, word := range inside(text, words) {
				s.Errorf("%s says %q", name, word)
			}
		}
	}
	// That nothing is found there means nothing if the search could find nothing.
	if len(inside(joined(s.events()), []string{e.ID})) == 0 {
		s.Errorf("the events do not even name encounter %s", e.ID)
	}
	s.tables(e.ID)
}

// goWrong sends what is refused, quarantined and ignored, and looks for what is not there.
func (s *scene) goWrong(stay *stays.Stay) {
	s.Helper()
	for _, b := range bads {
		stay.Prefix = fmt.Sprintf("%s-C-%s-", s.facility, strings.ReplaceAll(b.what, " ", "-"))
		s.raw([]byte(b.change(string(stay.Message(0).Body))))
	}
	s.raw([]byte("PID|1||" + bird.MRN + "||" + bird.Family + "^" + bird.Given))
	if r := s.raw(bytes.Replace(stay.Message(0).Body, []byte(bird.Born), []byte("19419999"), 1)); r.Code != hl7.AA {
		s.Errorf("a birth date that is none was answered %s", r.Code)
	}
	for _, in := range []map[string]any{
		{"name": bird.Family}, {"mrn": bird.MRN}, {"name": bird.Family, "birth_date": "1941-02-13"}, {"facility": s.facility, "visit": stay.Visit},
		{"name": bird.Family, "nonsense": bird.Phone}, {"birth_date": bird.Family},
	} {
		if err := s.liaison.Post(s.ctx, "admission", "/encounters/search", in, nil); api.Status(err) >= 500 || api.Status(err) == 0 {
			s.Errorf("a search was answered %v", err)
		}
	}
	s.rest()
}

// mailed waits for a mail about a stay, which leads to a page of the console.
func (s *scene) mailed(e api.Encounter) {
	s.Helper()
	s.await(func() error {
		for _, m := range s.mails() {
			at := strings.Index(m.Body, "http")
			if at < 0 || !strings.Contains(m.Body, e.ID) {
				continue
			}
			link, _, _ := strings.Cut(m.Body[at:], "\n")
			res, err := http.Get(strings.TrimSpace(link))
			if err != nil {
				return err
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK { // the sign-in page: nobody is signed in here
				return fmt.Errorf("the link %s is answered %s", link, res.Status)
			}
			return nil
		}
		return fmt.Errorf("nobody got a mail about the stay %s", e.ID)
	})
}

// inside lists the words that are in a text, in whatever case, or in hexadecimal.
func inside(text []byte, words []string) (found []string) {
	lower := bytes.ToLower(text)
	for _, w := range words {
		if bytes.Contains(lower, []byte(strings.ToLower(w))) || bytes.Contains(lower, []byte(hex.EncodeToString([]byte(w)))) {
			found = append(found, w)
		}
	}
	return found
}

func joined(texts map[string][]byte) (all []byte) {
	for _, t := range texts {
		all = append(all, t...)
	}
	return all
}

func (s *scene) logs() map[string][]byte {
	s.Helper()
	list, err := s.sys.Logs()
	if err != nil || len(list) == 0 {
		s.Fatalf("log files %v, %v", list, err)
	}
	texts := map[string][]byte{}
	for _, name := range list {
		text, err := os.ReadFile(name)
		if err != nil {
			s.Fatal(err)
		}
		texts["the log "+filepath.Base(name)] = text
	}
	return texts
}

func (s *scene) metrics() map[string][]byte {
	s.Helper()
	texts := map[string][]byte{}
	for _, p := range s.sys.Processes {
		res, err := http.Get(p.HTTP + "/metrics")
		if err != nil {
			s.Fatal(err)
		}
		var text bytes.Buffer
		_, err = text.ReadFrom(res.Body)
		_ = res.Body.Close()
		if err != nil || !strings.Contains(text.String(), "handoff_") {
			s.Fatalf("metrics of %s: %v\n%.200s", p.Name, err, text.String())
		}
		texts["/metrics of "+p.Name] = text.Bytes()
	}
	return texts
}

// events are the files that JetStream keeps: subjects, headers and documents of everything told.
func (s *scene) events() map[string][]byte {
	s.Helper()
	texts := map[string][]byte{}
	err := filepath.WalkDir(s.sys.JetStream(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		texts["the stream's file "+filepath.Base(path)] = text
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return texts
}

func (s *scene) screens(screen *api.Screen) func() map[string][]byte {
	return func() map[string][]byte {
		texts := map[string][]byte{}
		for _, n := range screen.Seen() {
			texts["notice "+n.ID] = []byte(n.Data)
		}
		return texts
	}
}

func (s *scene) outgoing() map[string][]byte {
	texts := map[string][]byte{}
	for _, m := range s.mails() {
		texts["mail "+m.MessageID] = []byte(m.Subject + "\n" + m.Body)
	}
	return texts
}

// tables searches every row of every table that is not admission's.
func (s *scene) tables(encounter string) {
	s.Helper()
	url, err := s.sys.DatabaseURL()
	if err != nil {
		s.Fatal(err)
	}
	conn, err := pgx.Connect(s.ctx, url)
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close(s.ctx)
	rows, err := conn.Query(s.ctx, `SELECT table_schema, table_name FROM information_schema.tables
		WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'`)
	if err != nil {
		s.Fatal(err)
	}
	type table struct{ Schema, Name string }
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	if err != nil {
		s.Fatal(err)
	}
	var patterns []string
	for _, w := range words {
		patterns = append(patterns, "%"+w+"%", "%"+hex.EncodeToString([]byte(w))+"%", "%"+hex.EncodeToString([]byte(strings.ToUpper(w)))+"%")
	}
	hits := map[string]int{}
	for _, t := range tables {
		var n, known int
		name := pgx.Identifier{t.Schema, t.Name}.Sanitize()
		err := conn.QueryRow(s.ctx, `SELECT count(*) FILTER (WHERE x::text ILIKE ANY ($1)), count(*) FILTER (WHERE x::text LIKE $2) FROM `+name+` x`,
			patterns, "%"+encounter+"%").Scan(&n, &known)
		if err != nil {
			s.Fatalf("%s: %v", name, err)
		}
		if hits[t.Schema] += n; n > 0 && t.Schema != "admission" {
			s.Errorf("%d rows of %s name the patient", n, name)
		}
		if n > 0 && t.Schema == "admission" && t.Name == "message_raw" {
			s.Errorf("%d messages of the patient are not sealed", n)
		}
		hits[t.Schema+" knows"] += known
	}
	if hits["admission"] == 0 {
		s.Error("not even admission's tables name the patient: the search finds nothing")
	}
	for _, schema := range []string{"discharge", "referral", "notification", "console"} {
		if hits[schema+" knows"] == 0 {
			s.Errorf("the tables of %s know nothing of the encounter: the search proves nothing", schema)
		}
	}
}
