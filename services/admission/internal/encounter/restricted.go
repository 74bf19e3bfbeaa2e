package encounter

import "slices"

// Restricted reports whether anything that was ever said of the stay restricts who may see it: a
// confidential patient, or a place in one of the units. It does not end with the reason for it, and it
// does not depend on what was heard first.
func (s Facts) Restricted(units []string) bool {
	for i := range s {
		v := &s[i].Values
		if v.Protected || v.VIP == "Y" || s[i].Place.Unit != "" && slices.Contains(units, s[i].Place.Unit) {
			return true
		}
	}
	return false
}
