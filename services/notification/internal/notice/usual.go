package notice

// Usual is how pressing an alert of a kind is, where nothing about its cause says otherwise.
func Usual(kind string) Severity {
	switch kind {
	case Opened, Accepted, Late:
		return Routine
	}
	return Urgent
}
