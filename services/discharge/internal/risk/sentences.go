package risk

import "strconv"

// sentences are what an item of HOSPITAL says, as far as it is the same for every stay:
// made once, since what ADT cannot tell is not known of any.
type sentences struct{ yes, no, unknown string }

func say(letter string, points int, yes, no, unknown string) sentences {
	n := strconv.Itoa(points)
	return sentences{yes: letter + " " + n + ": " + yes, no: letter + " 0: " + no, unknown: letter + " 0-" + n + ": " + unknown}
}

// phrase makes the sentences of a variant.
func (v *variant) phrase() {
	if x := v.Items.Haemoglobin; x != nil {
		x.says = say("H", x.Points, "", "", "haemoglobin at discharge is not known")
	}
	if x := v.Items.Oncology; x != nil {
		x.says = say("O", x.Points, "", "", "the discharging service is not known")
	}
	if x := v.Items.Cancer; x != nil {
		x.says = say("O", x.Points, "a cancer diagnosis", "no cancer diagnosis", "no coded diagnosis is known")
	}
	if x := v.Items.Sodium; x != nil {
		x.says = say("S", x.Points, "", "", "sodium at discharge is not known")
	}
	if x := v.Items.Procedure; x != nil {
		x.says = say("P", x.Points, "", "no procedure", "whether there was a procedure is not known")
	}
	if x := v.Items.Urgent; x != nil {
		x.says = say("IT", x.Points, "an urgent admission", "an elective admission", "whether the admission was urgent is not known")
	}
	v.admissions = say("A", most(v.Items.Admissions), "", "", "earlier admissions are not known").unknown
	v.stay = say("L", most(v.Items.Stay), "", "", "the length of stay is not known").unknown
}

// most are the points of the last step.
func most(steps []step) int {
	if len(steps) == 0 {
		return 0
	}
	return steps[len(steps)-1].Points
}

// plural is the ending of so many things.
func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
