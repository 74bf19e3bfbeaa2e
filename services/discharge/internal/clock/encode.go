package clock

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// MarshalJSON writes a record as its fields' tags say, by hand: one is written for
// every discharge, and most hold little but rules and due times.
func (rec Record) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 128+80*len(rec.Clocks)), `{"starts":{`...)
	triggers := make([]Trigger, 0, len(rec.Starts))
	for t := range rec.Starts {
		triggers = append(triggers, t)
	}
	slices.Sort(triggers)
	for i, t := range triggers {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, string(t)), ':')
		b = appendTime(b, rec.Starts[t])
	}
	b = append(b, '}')
	var err error
	if b, err = appendKept(b, `,"clocks":[`, rec.Clocks); err != nil {
		return nil, err
	}
	if b, err = appendKept(b, `,"aside":[`, rec.Aside); err != nil {
		return nil, err
	}
	if len(rec.Asks) > 0 {
		if b, err = appendAny(append(b, `,"asks":`...), rec.Asks); err != nil {
			return nil, err
		}
	}
	if rec.Words > 0 {
		b = strconv.AppendInt(append(b, `,"words":`...), int64(rec.Words), 10)
	}
	if len(rec.Log) > 0 {
		if b, err = appendAny(append(b, `,"log":`...), rec.Log); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func appendKept(b []byte, name string, list []Kept) ([]byte, error) {
	if len(list) == 0 {
		return b, nil
	}
	b = append(b, name...)
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = list[i].append(b); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func (k *Kept) append(b []byte) ([]byte, error) {
	b = appendText(append(b, `{"rule":`...), k.Rule)
	b = appendTime(append(b, `,"due":`...), k.Due)
	if k.State != "" {
		b = appendText(append(b, `,"state":`...), string(k.State))
	}
	var err error
	if k.By != nil {
		if b, err = appendAny(append(b, `,"by":`...), k.By); err != nil {
			return nil, err
		}
	}
	if k.Told != "" {
		b = appendText(append(b, `,"told":`...), string(k.Told))
	}
	if k.Ask > 0 {
		b = strconv.AppendInt(append(b, `,"ask":`...), int64(k.Ask), 10)
	}
	if len(k.Pauses) > 0 {
		if b, err = appendAny(append(b, `,"pauses":`...), k.Pauses); err != nil {
			return nil, err
		}
	}
	if k.Extended {
		b = append(b, `,"extended":true`...)
	}
	if k.Ends != nil {
		b = appendTime(append(b, `,"ends_at":`...), *k.Ends)
	}
	return append(b, '}'), nil
}

func appendAny(b []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	return append(b, text...), err
}

// appendText writes the name of a rule, a state or a trigger: plain ASCII, else the
// long way.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, err := json.Marshal(s)
			if err != nil {
				panic(err) // a string always is JSON
			}
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func appendTime(b []byte, t time.Time) []byte {
	return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}
