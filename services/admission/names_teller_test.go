package admission

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// teller tells stories of three patients, three stays and two accounts, under names with a prefix.
type teller struct{ prefix string }

func (s *teller) name(n string) string { return s.prefix + n }

// called is what a patient is called, unlike anybody else: nobody is linked by a score.
func (s *teller) called(mr string) string {
	var name [12]byte
	for i, d := range sha256.Sum256([]byte(s.name(mr))) {
		name[i%len(name)] = 'a' + d%26
	}
	return mr + string(name[:6]) + "^" + mr + string(name[6:]) // of two names at one time the greater counts
}

// known is a text without what is this teller's alone.
func (s *teller) known(text string) string {
	for _, mr := range []string{"A", "B", "C"} {
		family, given, _ := strings.Cut(s.called(mr), "^")
		text = strings.NewReplacer(family, "Family-"+mr, given, "Given-"+mr).Replace(text)
	}
	return strings.ReplaceAll(text, s.prefix, "")
}

// pid is the patient with a sex, and with an account if there is one.
func (s *teller) pid(mr, sex, account string) string {
	out := "PID|1||" + s.name(mr) + "^^^OWN&1.2.3&ISO^MR||" + s.called(mr) + "||19500101|" + sex
	if account != "" {
		out += strings.Repeat("|", 10) + s.name(account)
	}
	return out
}

func (s *teller) mrg(fields ...string) string {
	for i, f := range fields {
		if f != "" {
			fields[i] = s.name(f)
			if i == 0 {
				fields[i] += "^^^OWN&1.2.3&ISO^MR"
			}
		}
	}
	return "MRG|" + strings.Join(fields, "|")
}

// tale is one thing that is told, with an hour at which it is written down.
type tale struct {
	Trigger       string
	Hour, Minute  int
	MR, Other     string
	Visit, Next   string
	Account, From string
	By            string // what names the stay: "" its visit, "account" or "alternate"
	Sex, Class    string
	Unit          string
}

// message is the tale as a message; the same for every teller but for the names.
func (s *teller) message(x tale) []byte {
	visit, account, more := "", "", []string{"PV1-2=" + x.Class}
	switch x.Trigger {
	case "A18", "A30", "A34", "A39", "A40", "A43", "A46", "A47", "A48":
		more = append(more, s.mrg(x.Other))
	case "A42", "A50":
		visit, more = s.name(x.Next), append(more, s.mrg("", "", "", "", x.Visit))
	case "A51":
		more = append(more, "PV1-50="+s.name(x.Next), s.mrg("", "", "", "", "", x.Visit))
	case "A35", "A41", "A49":
		account, more = x.Account, append(more, s.mrg("", "", x.From))
	case "A36":
		account, more = x.Account, append(more, s.mrg(x.Other, "", x.From))
	case "A45":
		account, more = x.Account, append(more, s.mrg(x.Other, "", "", "", x.Visit))
	case "A44":
		more = append(more, s.mrg(x.Other, "", x.From))
	case "A40 A40":
		more = append(more, s.mrg(x.Other), s.pid(x.Other, x.Sex, ""), s.mrg(third(x.MR, x.Other)))
	case "A44 A44":
		more = append(more, s.mrg(x.Other, "", x.From), s.pid(x.MR, x.Sex, ""), s.mrg(x.Other, "", "X2"), s.pid(x.Other, x.Sex, ""), s.mrg(third(x.MR, x.Other), "", "X1"))
	case "A24", "A37":
		more = append(more, s.pid(x.Other, x.Sex, ""))
	case "A28", "A29", "A31":
	case "A60":
		more = append(more, "IAM|1|DA|"+x.Unit+"^Penicillin^L|SV|Rash|A|"+x.Visit)
	default:
		visit, account, more = s.stay(x, more)
	}
	more = append(more, "PID="+s.pid(x.MR, x.Sex, account))
	control := fmt.Sprintf("%s%s%s%s%s%s%s%s%s%s%s%02d%02d", s.prefix, x.Trigger, x.MR, x.Other, x.Visit, x.Next, x.Account, x.From, x.By, x.Sex, x.Class+x.Unit, x.Hour, x.Minute)
	return adtMessage(control, x.Trigger[:3], fmt.Sprintf("202603%02d%02d%02d", 2+x.Hour/24, x.Hour%24, x.Minute), "", visit, more...)
}

// third is a patient that is neither of two.
func third(a, b string) string { return strings.NewReplacer(a, "", b, "").Replace("ABC")[:1] }

// stay is what a message about a stay says beside its patient.
func (s *teller) stay(x tale, more []string) (visit, account string, _ []string) {
	more, account = append(more, "PV1-3="+x.Unit+"^1^1"), x.Account
	switch x.By {
	case "account":
		if account == "" {
			account = "X2"
		}
	case "alternate":
		account, more = "", append(more, "PV1-50="+s.name(x.Visit))
	default:
		visit = s.name(x.Visit)
	}
	switch x.Trigger {
	case "A03":
		more = append(more, "PV1-36=01")
	case "A06", "A07":
		more = append(more, s.mrg("", "", "", "", x.Next))
	case "A17":
		more = append(more, s.pid(x.Other, x.Sex, ""), "PV1|1|"+x.Class+"|2N^1^1"+strings.Repeat("|", 16)+s.name(x.Next))
	}
	return visit, account, more
}

func anyTale(triggers []string) *rapid.Generator[tale] {
	return rapid.Custom(func(t *rapid.T) tale {
		pick := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(t, name) }
		return tale{
			Trigger: pick("trigger", triggers...), Hour: rapid.IntRange(1, 60).Draw(t, "hour"), Minute: rapid.IntRange(0, 59).Draw(t, "minute"),
			MR: pick("mr", "A", "B", "C"), Other: pick("other", "A", "B", "C"), Visit: pick("visit", "V1", "V2", "V3"), Next: pick("next", "V1", "V2", "V3", "V4"),
			Account: pick("account", "X1", "X1", "X2", ""), From: pick("from", "X1", "X2"), By: pick("by", "", "", "", "account", "alternate"),
			Sex: pick("sex", "F", "M"), Class: pick("class", "I", "E", "O"), Unit: pick("unit", "3W", "4E"),
		}
	})
}
