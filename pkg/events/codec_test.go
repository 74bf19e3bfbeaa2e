package events

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A fact or member that was added without `make generate` is found here: its documents would still
// be right, and slow.
func TestEveryFactIsGenerated(t *testing.T) {
	for _, f := range Types() {
		e := golden(sample(f))
		fast, ok := e.appendHead(nil)
		if !ok {
			t.Errorf("%s is not written by the codec: make generate", f.Type())
			continue
		}
		slow, err := e.marshalHead()
		if diff := cmp.Diff(string(slow), string(fast)); err != nil || diff != "" {
			t.Errorf("%s: make generate\n%s%v", f.Type(), diff, err)
		}
		got, ok := decodeFast(Tail(fast, e.Version, e.Sequence))
		if diff := cmp.Diff(e, got); !ok || diff != "" {
			t.Errorf("%s is not read by the codec (%v): make generate\n%s", f.Type(), ok, diff)
		}
	}
}

var (
	words = rapid.OneOf(
		rapid.SampledFrom([]string{"", "ST-MARY", "inpatient", "America/New_York", "snf-follow-up", "Call the patient within 2 business days"}),
		rapid.SampledFrom([]string{
			`"`, `\`, `a\"b`, "<b>&amp;</b>", "\u2028", "a\u2029b", "\x00", "\x7f", "\b\f\n\r\t", "\xff", "a\xc3", "Zürich – ¿qué?", "患者", "🏥", "\ufffd",
			`"type":"care.task.due.v1"`, "null", "\ud7ff", strings.Repeat("long ", 40), strings.Repeat("é", 60),
		}),
		rapid.String(),
	)
	zones   = []*time.Location{time.UTC, time.Local, time.FixedZone("", -5*3600), time.FixedZone("EDT", -4*3600), time.FixedZone("odd", 5*3600+45*60), time.FixedZone("second", 3601)}
	ids     = rapid.OneOf(rapid.Just(ID{}), rapid.Custom(func(t *rapid.T) (id ID) { fill16(t, &id); return id }))
	numbers = rapid.OneOf(rapid.SampledFrom([]int64{0, 1, -1, 999_999_999_999_999_999, 1_000_000_000_000_000_000, -1 << 63, 1<<63 - 1}), rapid.Int64Range(-100, 100))
)

// huge is a number that the codec leaves to encoding/json.
var huge = regexp.MustCompile(`\d{19}`)

func fill16(t *rapid.T, id *ID) {
	for i := range id {
		id[i] = rapid.Byte().Draw(t, "byte")
	}
}

// instants are all that encoding/json writes.
func instants(t *rapid.T) time.Time {
	year := rapid.OneOf(rapid.IntRange(1900, 2100), rapid.SampledFrom([]int{1, 9998})).Draw(t, "year")
	nanos := rapid.OneOf(rapid.SampledFrom([]int{0, 1, 999_999_999, 500_000_000}), rapid.IntRange(0, 999_999)).Draw(t, "nanos")
	at := time.Date(year, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 28).Draw(t, "day"),
		rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(0, 59).Draw(t, "second"), nanos, time.UTC)
	return at.In(rapid.SampledFrom(zones).Draw(t, "zone"))
}

// draw fills v with anything it can hold; about half of what may be absent is.
func draw(t *rapid.T, v reflect.Value) {
	if !v.CanAddr() {
		panic("not a variable")
	}
	switch p := v.Addr().Interface().(type) {
	case *ID:
		*p = ids.Draw(t, "id")
		return
	case *time.Time:
		*p = instants(t)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(words.Draw(t, "text"))
	case reflect.Int, reflect.Int64:
		v.SetInt(numbers.Draw(t, "number"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			draw(t, v.Elem())
		}
	case reflect.Slice:
		if n := rapid.SampledFrom([]int{-1, 0, 1, 2, 9}).Draw(t, "length"); n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				draw(t, v.Index(i))
			}
		}
	case reflect.Map:
		if n := rapid.IntRange(-1, 3).Draw(t, "length"); n >= 0 {
			m := map[string]string{}
			for range n {
				m[words.Draw(t, "name")] = words.Draw(t, "text")
			}
			v.Set(reflect.ValueOf(m))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			draw(t, v.Field(i))
		}
	default:
		t.Fatalf("the codec has no code for %s", v.Type())
	}
}

func drawEvent(t *rapid.T) Event {
	fact := reflect.New(reflect.TypeOf(rapid.SampledFrom(Types()).Draw(t, "fact"))).Elem()
	draw(t, fact)
	return Event{
		ID: ids.Draw(t, "id"), Source: words.Draw(t, "source"), Org: ids.Draw(t, "org"), Version: numbers.Draw(t, "version"), Sequence: numbers.Draw(t, "sequence"),
		Occurred: instants(t), Received: instants(t), Recorded: instants(t), Cause: ids.Draw(t, "cause"), Traceparent: words.Draw(t, "trace"),
		Fact: fact.Interface().(Fact),
	}
}

// TestCodecWritesAndReadsAsEncodingJSON: whatever a fact holds, the bytes are those of json.Marshal,
// what json.Marshal refuses is refused in its words, and the value read is that of json.Unmarshal.
func TestCodecWritesAndReadsAsEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvent(t)
		want, wantErr := e.marshalHead()
		got, err := e.Head()
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Fatalf("got error %v, want %v", err, wantErr)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("wrote\n%s\nwant\n%s", got, want)
		}
		if err != nil {
			return
		}
		doc := Tail(got, e.Version, e.Sequence)
		if !same(t, doc) && !huge.Match(doc) {
			t.Fatalf("declined what it wrote: %s", doc)
		}
		// A document that something happened to on the way is read, or refused, in the same way.
		hurt := bytes.Clone(doc)
		for range rapid.IntRange(1, 3).Draw(t, "hurts") {
			at := rapid.IntRange(0, len(hurt)-1).Draw(t, "at")
			switch rapid.SampledFrom([]string{"replace", "delete", "insert", "cut"}).Draw(t, "how") {
			case "replace":
				hurt[at] = rapid.SampledFrom([]byte(`{}[],:"\09-aZ .`)).Draw(t, "with")
			case "delete":
				hurt = append(hurt[:at], hurt[at+1:]...)
			case "insert":
				piece := rapid.SampledFrom([]string{",", `"`, "null", " ", "}", "]", `,"id":""`, `,"Unit":"x"`, `\u0041`, "0", "\x00", "\xff"}).Draw(t, "piece")
				hurt = append(hurt[:at], append([]byte(piece), hurt[at:]...)...)
			case "cut":
				hurt = hurt[:at]
			}
			if len(hurt) == 0 {
				return
			}
		}
		same(t, hurt)
	})
}

// same fails unless the codec declines a document or reads it as encoding/json does.
func same(t interface {
	Helper()
	Fatalf(string, ...any)
}, doc []byte) (accepted bool) {
	t.Helper()
	got, ok := decodeFast(bytes.Clone(doc))
	if !ok {
		if got != (Event{}) {
			t.Fatalf("declined, and left %+v", got)
		}
		return false
	}
	want, err := unmarshal(doc)
	if err != nil {
		t.Fatalf("accepted what encoding/json refuses: %v\n%s", err, doc)
	}
	if !reflect.DeepEqual(want, got) {
		t.Fatalf("(-want +got):\n%s\nof %s", cmp.Diff(want, got), doc)
	}
	return true
}

// TestOddDocumentsAreLeftToEncodingJSON: each is right or wrong as encoding/json says, and none is read
// by the codec.
func TestOddDocumentsAreLeftToEncodingJSON(t *testing.T) {
	e := golden(sample(TaskAssigned{}))
	head, err := e.Head()
	if err != nil {
		t.Fatal(err)
	}
	doc := string(Tail(head, 3, 42))
	for name, odd := range map[string][2]string{
		"white space":            {`,"data":`, `, "data": `},
		"trailing space":         {`"sequence":"42"}`, `"sequence":"42"} `},
		"trailing comma":         {`"sequence":"42"}`, `"sequence":"42",}`},
		"trailing text":          {`"sequence":"42"}`, `"sequence":"42"}{}`},
		"comma at the very end":  {`"sequence":"42"}`, `"sequence":"42"},`},
		"number for text":        {`"title":"code"`, `"title":1`},
		"text for number":        {`"version":11`, `"version":"11"`},
		"fraction":               {`"version":11`, `"version":11.0`},
		"exponent":               {`"version":11`, `"version":1e1`},
		"leading zero":           {`"version":11`, `"version":011`},
		"too large":              {`"version":11`, `"version":99999999999999999999`},
		"null text":              {`"title":"code"`, `"title":null`},
		"null snapshot":          {`"data":{"task":{`, `"data":{"task":null,"was":{`},
		"null fact":              {`"data":{`, `"data":null,"was":{`},
		"null time":              {`"time":"2026-10-16T14:02:07Z"`, `"time":null`},
		"other case":             {`"title":`, `"Title":`},
		"unknown member":         {`"title":`, `"headline":{"a":[1]},"title":`},
		"twice":                  {`"title":"code"`, `"title":"code","title":"again"`},
		"twice in another case":  {`"title":"code"`, `"title":"code","TITLE":"again"`},
		"other order":            {`"code":"code","title":"code"`, `"title":"code","code":"code"`},
		"escaped name":           {`"title":`, `"\u0074itle":`},
		"no separator":           {`"title":"code",`, `"title":"code"`},
		"two separators":         {`"title":"code",`, `"title":"code",,`},
		"separator before all":   {`"task":{`, `"task":{,`},
		"separator after all":    {`"sensitive":true}`, `"sensitive":true,}`},
		"separator of a list":    {`"protocols":["code"]`, `"protocols":["code",]`},
		"open list":              {`"protocols":["code"]`, `"protocols":["code"}`},
		"nested object":          {`"title":"code"`, `"title":"code"{`},
		"escape of a time":       {`"time":"2026-10-16T14:02:07Z"`, `"time":"2026-10-16T14:02:07\u005a"`},
		"escape of an id":        {`"subject":"`, `"subject":"\u0030`},
		"not an id":              {`"subject":"`, `"subject":"0`},
		"sequence as a number":   {`"sequence":"42"`, `"sequence":42`},
		"sequence as a word":     {`"sequence":"42"`, `"sequence":"many"`},
		"sequence with a sign":   {`"sequence":"42"`, `"sequence":"+42"`},
		"no sequence":            {`,"sequence":"42"`, ``},
		"control character":      {`"title":"code"`, "\"title\":\"co\nde\""},
		"wrong escape":           {`"title":"code"`, `"title":"co\de"`},
		"open string":            {`"title":"code"`, `"title":"code`},
		"type of another build":  {`care.task.assigned.v1`, `care.task.assigned.v2`},
		"no type":                {`"type":"care.task.assigned.v1",`, ``},
		"half a document":        {doc[len(doc)/2:], ``},
		"nothing":                {doc, ``},
		"an empty object":        {doc, `{}`},
		"a list":                 {doc, `[]`},
		"byte order mark before": {`{"specversion"`, "\ufeff" + `{"specversion"`},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(doc, odd[0], odd[1], 1)
			if text == doc {
				t.Fatalf("%s is not in %s", odd[0], doc)
			}
			if e, ok := decodeFast([]byte(text)); ok {
				t.Errorf("accepted: %+v", e)
			}
			want, wantErr := unmarshal([]byte(text))
			got, err := Decode([]byte(text))
			if !reflect.DeepEqual(want, got) || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
				t.Errorf("got %+v, %v\nwant %+v, %v", got, err, want, wantErr)
			}
		})
	}
}

// TestSnapshotsAreWrittenAndReadAsEncodingJSON: also what is no part of the vocabulary.
func TestSnapshotsAreWrittenAndReadAsEncodingJSON(t *testing.T) {
	t.Run("encounter", snapshot[Encounter])
	t.Run("transition", snapshot[Transition])
	t.Run("task", snapshot[Task])
	t.Run("referral", snapshot[Referral])
	t.Run("alert", snapshot[Alert])
	t.Run("readmission", snapshot[Readmission])
	t.Run("clock", snapshot[Clock])
	t.Run("request", snapshot[Request])
	t.Run("patient", snapshot[Patient])
	t.Run("fact", snapshot[TaskDue])
	t.Run("texts by name", snapshot[map[string]string])
	t.Run("other", snapshot[struct {
		At    time.Time `json:"at"`
		Tasks []Task
	}])
}

func snapshot[T any](t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v T
		draw(t, reflect.ValueOf(&v).Elem())
		want, wantErr := json.Marshal(v)
		for _, given := range []any{v, &v} {
			got, err := AppendJSON([]byte("\xffbefore"), given)
			if (err == nil) != (wantErr == nil) || string(got) != "\xffbefore"+string(want) {
				t.Fatalf("got %s, %v\nwant %s, %v", got, err, want, wantErr)
			}
		}
		if wantErr != nil {
			return
		}
		read, old := v, v
		var asked T
		if err := json.Unmarshal(want, &asked); err != nil {
			t.Fatal(err)
		}
		if err := ReadJSON(want, &read); err != nil || !reflect.DeepEqual(asked, read) {
			t.Fatalf("%v (-want +got):\n%s", err, cmp.Diff(asked, read))
		}
		cut := want[:rapid.IntRange(0, len(want)-1).Draw(t, "cut")]
		wantErr = json.Unmarshal(cut, new(T))
		if err := ReadJSON(cut, &old); err == nil || err.Error() != wantErr.Error() {
			t.Fatalf("%s: got %v, want %v", cut, err, wantErr)
		}
	})
}

// TestTimesThatEncodingJSONRefuses are refused in its words.
func TestTimesThatEncodingJSONRefuses(t *testing.T) {
	for name, at := range map[string]time.Time{
		"before all years": time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
		"five digits":      time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		"a far zone":       time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("far", 25*3600)),
	} {
		t.Run(name, func(t *testing.T) {
			e := golden(TaskDue{Work{Task: Task{Title: "call", DueAt: &at}, Why: "later members"}})
			want, wantErr := e.marshalHead()
			got, err := e.Head()
			if wantErr == nil || err == nil || err.Error() != wantErr.Error() || string(got) != string(want) {
				t.Errorf("got %s, %v; want %s, %v", got, err, want, wantErr)
			}
			task := Task{DueAt: &at}
			_, wantErr = json.Marshal(task)
			if got, err := AppendJSON([]byte("before"), &task); err == nil || err.Error() != wantErr.Error() || string(got) != "before" {
				t.Errorf("got %s, %v; want %v", got, err, wantErr)
			}
		})
	}
}

func TestAppendJSONOfNothing(t *testing.T) {
	for _, v := range []any{nil, (*Task)(nil), Fact(nil), map[string]int{"a": 1}} {
		want, _ := json.Marshal(v)
		if got, err := AppendJSON(nil, v); err != nil || string(got) != string(want) {
			t.Errorf("%v: %s, %v", v, got, err)
		}
	}
}

// TestDecodedEventsKeepNothing: a consumer may keep an event for long; the document may be changed.
func TestDecodedEventsKeepNothing(t *testing.T) {
	want := golden(sample(TransitionOpened{}))
	head, err := want.Head()
	if err != nil {
		t.Fatal(err)
	}
	doc := Tail(head, want.Version, want.Sequence)
	got, ok := decodeFast(doc)
	for i := range doc {
		doc[i] = 'x'
	}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzDecode: what the codec accepts, encoding/json accepts, and reads as the same.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal(err, files)
	}
	for _, name := range files {
		doc, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.TrimSpace(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if !same(t, doc) {
			return
		}
		e, err := Decode(doc)
		if err != nil {
			t.Fatal(err)
		}
		want, err := e.marshalHead()
		if got, ok := e.appendHead(nil); err != nil || !ok || !bytes.Equal(got, want) {
			t.Fatalf("wrote (%v)\n%s\nwant (%v)\n%s", ok, got, err, want)
		}
	})
}
