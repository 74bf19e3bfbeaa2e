package hl7_test

import (
	"fmt"
	"time"

	"github.com/handoff-care/handoff/pkg/hl7"
)

func Example() {
	frame := []byte("MSH|^~\\&|REG|LAKESIDE|HANDOFF||20260401101500-0500||ADT^A03|77|P|2.5.1\r" +
		"EVN|A03|20260401101400\r" +
		"PID|1||000123^^^LAKESIDE&1.2.3&ISO^MR||O\\T\\Neil^Ann\r" +
		"PV1|1|I|4W^401^A|||||||||||||||||||||||||||||||||06||||||||20260401090000|202604011010\r")
	m, err := hl7.Parse(frame)
	if err != nil {
		h, _ := hl7.PeekHeader(frame) // answer it all the same
		fmt.Printf("%q\n", hl7.Ack(h, hl7.Reply{Code: hl7.AE}))
		return
	}
	for id := range m.Segment("PID").Field(3).Reps() {
		fmt.Println(m.Trigger(), id.CX().Authority.Namespace, id.CX().ID)
	}
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	discharged, err := m.Get("PV1-45").DTM()
	fmt.Println(m.Get("PID-5").String(), m.Get("PV1-36"), discharged.In(m.Zone(newYork)).Format(time.RFC3339), err)
	fmt.Printf("%q\n", hl7.Ack(m.Header(), hl7.Reply{Code: hl7.AA, ID: "A1", Time: time.Date(2026, 4, 1, 15, 15, 1, 0, time.UTC)}))
	// Output:
	// A03 LAKESIDE 000123
	// O&Neil 06 2026-04-01T10:10:00-05:00 <nil>
	// "MSH|^~\\&|HANDOFF||REG|LAKESIDE|20260401151501+0000||ACK^A03^ACK|A1|P|2.5.1\rMSA|AA|77\r"
}
