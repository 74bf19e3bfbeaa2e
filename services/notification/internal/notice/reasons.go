package notice

import (
	_ "embed"
	"encoding/json"
	"slices"
)

//go:embed reasons.json
var reasonsFile []byte

// Why is a reason people choose from. The code is what is recorded.
type Why struct {
	Code string `json:"code"`
	Text string `json:"text" doc:"in words"`
	Hint string `json:"hint,omitempty"`
}

// Reasons are what people can say when they settle, hand over or mute an alert: codes, never free text,
// because the ledger and the facts carry them.
type Reasons struct {
	Resolve  []Why `json:"resolve"`
	HandOver []Why `json:"hand-over"`
	Mute     []Why `json:"mute"`
}

// Choices are the reasons of the file beside this one.
var Choices = func() (r Reasons) {
	if err := json.Unmarshal(reasonsFile, &r); err != nil {
		panic(err) // the file is embedded
	}
	return r
}()

// Known reports whether a reason is one of a list's.
func Known(list []Why, code string) bool {
	return slices.ContainsFunc(list, func(w Why) bool { return w.Code == code })
}
