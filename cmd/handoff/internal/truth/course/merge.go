package course

import (
	"math/rand/v2"
	"time"
)

// Ways to take a merge back.
const (
	ByHand   = "by hand"        // over the API: there is no message for it
	OtherWay = "the other way"  // A40, the retired record survives
	Unlink   = "told as a link" // A37, which is of links and parts no merged records
)

// Merge is one person's two records, each with a stay that has ended, and the message that makes one of them.
type Merge struct {
	Case
	Trigger   string
	Told      Message
	Back      string    // how it is taken back
	Untold    []Message // by what; none by hand
	Survivor  string    // record number
	Retired   string
	Surviving string // visit number of the survivor's own stay
	Moving    string // of the retired one's
}

// mergers are the triggers that merge records.
var mergers = []string{"A40", "A34", "A30", "A18", "A39", "A36"}

// MakeMerge invents case n of merges; 24 cases have every trigger by every sender, and each way back in turn. The
// two stays overlap, as those of one person who was registered twice do, so that neither is a return
// from the other; what happens in between is random.
func MakeMerge(seed uint64, n int, tag string, base time.Time) *Merge {
	sender := &Senders[n%len(Senders)]
	t := &teller{
		rng: rand.New(rand.NewPCG(seed, uint64(n)|1<<41)), own: rand.New(rand.NewPCG(seed, hashed(tag))), at: sender, tag: tag,
		now: base.Add(-20 * time.Hour).Truncate(time.Minute),
	}
	p := t.newRecord()
	p.private, p.regional, p.payer = false, "", "AETNA" // nothing but the merge says that they are one
	q := t.again(p)
	v := t.newVisit(p, "I")
	t.begin(v)
	w := t.newVisit(q, "I")
	w.admitted, w.codes = v.admitted.Add(20*time.Minute), []string{pick(t.rng, codes)}
	t.late("A01", w, w.admitted)
	t.wait(30, 60)
	t.middle(v, 1)
	t.middle(w, 1)
	t.end(v, pick(t.rng, []string{"01", "03", "06"}))
	t.end(w, pick(t.rng, []string{"01", "03", "06"}))
	stays := t.told
	t.told = nil
	trigger := mergers[(n/len(Senders))%len(mergers)]
	t.control = len(stays)
	account := ""
	if trigger == "A36" {
		account = "X" + w.account // an account of the retired one that names no stay
	}
	t.send(telling{trigger: trigger, who: p, extra: func(l *letter) { t.mrg(l, q, account, "") }})
	back := []string{ByHand, OtherWay, Unlink}[(n%len(Senders)+n/len(Senders))%3]
	t.wait(5, 20)
	switch back {
	case OtherWay:
		t.merge("A40", q, p)
	case Unlink:
		t.send(telling{trigger: "A37", who: p, extra: func(l *letter) { t.pid(l, q, "") }})
	}
	number := func(v *visit) string {
		if sender.VisitField == "PID-18" {
			return v.account
		}
		return v.number
	}
	return &Merge{
		Case:    Case{Number: n, Tag: tag, Plot: "merge", Sender: sender, Messages: stays},
		Trigger: trigger, Told: t.told[0], Back: back, Untold: t.told[1:], Survivor: p.mr, Retired: q.mr, Surviving: number(v), Moving: number(w),
	}
}
