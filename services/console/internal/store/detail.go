package store

import "github.com/handoff-care/handoff/pkg/events"

// json writes a line of a timeline into room as its fields' tags say, by hand: every fact of a stay
// makes one.
func (d *Detail) json(room []byte) ([]byte, error) {
	o := events.NewObject(room)
	o.SomeID("subject", d.Subject)
	o.SomeText("code", d.Code)
	o.SomeText("title", d.Title)
	o.SomeText("state", d.State)
	o.SomeText("reason", d.Reason)
	o.SomeText("outcome", d.Outcome)
	o.SomeText("owner", d.Owner)
	o.SomeText("by", d.By)
	o.SomeText("unit", d.Unit)
	o.SomeText("class", d.Class)
	o.SomeText("disposition", d.Disposition)
	o.SomeTime("due_at", d.Due)
	o.SomePairs("previous", d.Previous)
	o.SomeTexts("to", d.To)
	return o.Close()
}
