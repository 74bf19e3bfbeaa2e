package protocol

// Chronic counts the conditions among named ones that are chronic.
func (s *Set) Chronic(conditions []string) int {
	n := 0
	for _, c := range conditions {
		if s.chronic[c] {
			n++
		}
	}
	return n
}
