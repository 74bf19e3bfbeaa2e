package encounter

import "time"

// walk goes through the live facts as they happened and derives the state and the place.
func (f *folder) walk() {
	f.collect()
	state := ""
	for i := range f.facts {
		g := &f.facts[i]
		if !f.live(i) {
			continue
		}
		switch g.Kind {
		case PreAdmit, PendingAdmit:
			if state == "" {
				state = Planned
			}
		case Admit, Register, ToInpatient:
			state = f.begin(i, state)
		case ToOutpatient, Transfer:
			if state == "" || state == Planned || state == Arrived && g.Place.Bed != "" {
				state = InProgress
			}
		case LeaveStart:
			if state != Finished {
				state = OnLeave
			}
		case LeaveEnd:
			if state != Finished {
				state = InProgress
			}
		case Discharge:
			state, f.end = Finished, i
		}
	}
	f.stay.State = f.settle(state)
	f.place()
}

// collect notes what kinds of facts there are, so that a state can be told where a start is missing.
func (f *folder) collect() {
	for i := range f.facts {
		g := &f.facts[i]
		f.spoken = f.spoken || !g.Kind.silent() && g.Kind != DeleteOwner
		f.announced = f.announced || starts(g.Kind) || g.Kind.Pending() && !g.Kind.isCancel()
		switch k := g.Kind; {
		case k == PreAdmit || k == PendingAdmit:
			f.planned = f.planned || f.live(i)
			f.lostPlan = f.lostPlan || !f.live(i)
		case starts(k):
			f.started = f.started || f.live(i)
		case k == CancelAdmit:
			if f.live(i) && (!f.lostStart || g.Recorded.After(f.lostAt)) {
				f.lostStart, f.lostAt = true, g.Recorded
			}
		case k == CancelPreAdmit || k == CancelPendingAdmit:
			f.lostPlan = f.lostPlan || f.live(i)
		case !k.deletes() && !k.silent() && f.live(i):
			f.present = true
		}
	}
	for i := range f.facts {
		g := &f.facts[i]
		if f.lostStart && f.live(i) && shows(g.Kind) && g.Recorded.After(f.lostAt) {
			f.presentAfterLost = true
		}
	}
}

func starts(k Kind) bool { return k == Admit || k == Register || k == ToInpatient }

// shows: the fact shows that the patient was in the hospital, whatever was cancelled before it.
func shows(k Kind) bool {
	switch k {
	case Transfer, ToOutpatient, Discharge, LeaveStart, LeaveEnd, CancelDischarge, CancelTransfer, CancelLeaveStart, CancelLeaveEnd:
		return true
	}
	return false
}

// begin is the state after a start.
func (f *folder) begin(i int, state string) string {
	g := &f.facts[i]
	switch state {
	case Finished:
		if f.sameStart(g) {
			return state
		}
		f.stay.Reopened = true
		f.start, f.end = i, -1
	case "", Planned:
		f.start = i
	case OnLeave:
		return OnLeave // told again that the patient is here: no news
	case InProgress:
		if f.start < 0 {
			f.start = i
		}
		return InProgress
	}
	if f.start < 0 {
		f.start = i
	}
	if g.Kind == Register && g.Place.Bed == "" && waits(g.Values.Class) {
		return Arrived
	}
	return InProgress
}

// waits: a registration of this class, without a bed, is an arrival and not yet an admission.
func waits(class string) bool {
	switch class {
	case Inpatient, Observation, Obstetrics, Newborn:
		return false
	}
	return true
}

// sameStart: a start told again after the end, of the stay that has ended.
func (f *folder) sameStart(g *Fact) bool {
	if g.Values.AdmitAt == nil || g.Kind == ToInpatient {
		return false
	}
	if f.start >= 0 && f.facts[f.start].Values.AdmitAt != nil {
		return !g.Values.AdmitAt.After(*f.facts[f.start].Values.AdmitAt)
	}
	if f.end >= 0 && f.facts[f.end].Values.AdmitAt != nil {
		return !g.Values.AdmitAt.After(*f.facts[f.end].Values.AdmitAt)
	}
	return f.end >= 0 && !g.Values.AdmitAt.After(f.facts[f.end].Occurred)
}

// settle says what a walk without a start, or with one taken back, amounts to.
func (f *folder) settle(state string) string {
	f.stay.Implicit = !f.announced
	switch {
	case !f.spoken:
		return "" // somebody is spoken of, no stay
	case f.erased && !f.started && !f.planned:
		return EnteredInError
	case f.started || f.planned && state == Planned:
		return state
	case f.lostStart && !f.presentAfterLost:
		if f.planned {
			return Planned
		}
		return Cancelled
	case state != "" && state != Planned:
		return state
	case f.planned:
		return Planned
	case f.lostPlan && !f.lostStart:
		return Cancelled
	case f.present && f.classSaid() == PreAdmitted:
		return Planned
	}
	return InProgress
}

// classSaid is the class by the newest live statement, before any default.
func (f *folder) classSaid() string {
	for n := len(f.said) - 1; n >= 0; n-- {
		if i := f.said[n]; f.live(i) && f.facts[i].Values.Class != "" {
			return f.facts[i].Values.Class
		}
	}
	return ""
}

// places lists the live facts that name a place, with the time from which the patient is there. The
// time of a cancel is that of what it cancels: its place counts from when it was written down.
func (f *folder) places(visit func(g *Fact, from time.Time)) {
	for i := range f.facts {
		g := &f.facts[i]
		if !f.live(i) || g.Place == (Place{}) || g.Kind.Pending() || g.Kind.silent() || g.Kind == CancelAdmit || g.Kind.deletes() {
			continue
		}
		from := g.Occurred
		if g.Kind.isCancel() {
			from = g.Recorded
		}
		visit(g, from)
	}
}

// place is the newest place known.
func (f *folder) place() {
	var newest time.Time
	f.places(func(g *Fact, from time.Time) {
		if !from.Before(newest) {
			newest, f.stay.Place = from, g.Place
		}
	})
}
