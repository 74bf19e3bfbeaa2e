package load

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// A stay's messages, and how many stays a connection has open at a time.
var steps = []string{"A01", "A02", "A08", "A08", "A03"}

const open = 5

var (
	dispositions = []string{"01", "06", "01", "03", "01", "62", "01", "50"}
	diagnoses    = []string{"I50.9", "J44.1", "E11.9", "N18.6", "S72.001A", "F32.9", "I10", "A41.9"}
	units        = []string{"3WEST", "4EAST", "ICU", "5NORTH"}
)

// generator makes one connection's messages.
type generator struct {
	run  string
	conn int
	n    int
}

// next returns the next message: its control id, its trigger and its bytes. Message n is step
// n/open mod 5 of stay (n/(5*open))*open + n mod open, so stays overlap and each is in order.
func (g *generator) next(now time.Time) (id, trigger string, body []byte) {
	n := g.n
	g.n++
	stay := n/(len(steps)*open)*open + n%open
	step := n / open % len(steps)
	trigger = steps[step]
	id = fmt.Sprintf("%s%02d%08d", g.run, g.conn, n)
	visit := fmt.Sprintf("V%s%02d%07d", g.run, g.conn, stay)
	patient := fmt.Sprintf("P%s%02d%07d", g.run, g.conn, stay)
	at := now.Format("20060102150405-0700")
	unit := units[(stay+step/2)%len(units)]
	pv1 := fmt.Sprintf("PV1|1|I|%s^%03d^A^LOADGEN||||1000015838^Hale^Ruth^^^^^^NPI||||MED||||1|||||%s^^^LOADGEN^VN|||||||||||||||||", unit, stay%40, visit)
	dg1 := ""
	if trigger == "A03" {
		pv1 += fmt.Sprintf("%s||||||||%s|%s", dispositions[stay%len(dispositions)], at, at)
	} else {
		pv1 += fmt.Sprintf("||||||||%s", at)
	}
	if step >= 2 {
		dg1 = fmt.Sprintf("\rDG1|1||%s^^I10C|||W", diagnoses[(stay+step)%len(diagnoses)])
	}
	who := personOf(patient)
	body = fmt.Appendf(nil, "MSH|^~\\&|LOAD|LOADGEN|HANDOFF|HANDOFF|%s||ADT^%s^ADT_A01|%s|P|2.5.1|||||USA|UNICODE UTF-8\r"+
		"EVN|%s|%s\r"+
		"PID|1||%s^^^LOADGEN^MR||%s^%s^Q||%s|%s|||%s||^PRN^PH^^1^217^%07d||eng|M\r"+
		"NK1|1|%s^Other|SPO^Spouse^HL70063||^PRN^PH^^1^217^%07d||EP\r"+
		"%s%s\rIN1|1|MCR^MEDICARE PART A|MCR|Medicare|||||||||||MCR|||||||||||||||||||||%s\r",
		at, trigger, id, trigger, at,
		patient, who.family, who.given, who.birth, who.sex, who.address, who.phone,
		who.family, who.phone+1, pv1, dg1, patient)
	return id, trigger, body
}

// person is what a message says of its patient beside the number.
type person struct {
	family, given, birth, sex, address string
	phone                              int
}

var syllables = strings.Fields("ba be bor car dan del den dor fal fen gar gil hal har jon kel kin lan lor mar mel mon nor pal par quin ral ren ros sal sim stan tan ter val van wel wen yor zan")

// personOf makes a person of a patient's number: as unlike each other as people are, or every two of
// them would be a question whether they are one.
func personOf(number string) person {
	h := fnv.New64a()
	h.Write([]byte(number))
	dice := h.Sum64()
	roll := func(n int) int {
		dice = dice*6364136223846793005 + 1442695040888963407
		return int(dice >> 33 % uint64(n))
	}
	word := func(n int) string {
		w := ""
		for range n {
			w += syllables[roll(len(syllables))]
		}
		return strings.ToUpper(w[:1]) + w[1:]
	}
	return person{
		family: word(3), given: word(2), birth: fmt.Sprintf("%d%02d%02d", 1926+roll(80), 1+roll(12), 1+roll(28)), sex: "FM"[roll(2):][:1],
		address: fmt.Sprintf("%d %s Street^^%s^IL^6%04d^USA^H", 1+roll(9000), word(2), word(2), roll(10000)), phone: 2000000 + roll(7999999),
	}
}
