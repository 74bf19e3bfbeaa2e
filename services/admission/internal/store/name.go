package store

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/alias"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
)

const aliasColumns = `a.from_id, a.to_id, a.message_id, a.org_id, a.recorded_at, a.sent_at, a.control_id, a.hash, a.place, a.reason`

func (l *Loaded) takeAliases(rows pgx.Rows) error {
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[alias.Statement])
	l.Aliases = append(l.Aliases, list...)
	return err
}

// Deletions are the facts that say a patient was entered in error (A29): what was written down about
// the patient's stays until then is void, also if it comes later.
func (p *Patient) Deletions() (out []encounter.Fact) {
	if p.deletions != "" {
		_ = json.Unmarshal([]byte(p.deletions), &out) // written by Delete
	}
	return out
}

// Delete notes a deletion.
func (p *Patient) Delete(f encounter.Fact) {
	b, err := json.Marshal(append(p.Deletions(), f))
	if err != nil {
		panic(err) // times and plain strings
	}
	p.deletions, p.Joined = string(b), true
}

// saveNames queues the statements about names and what they amount to.
func saveNames(b *pgx.Batch, c Changes) {
	saveAliases(b, c.Aliases)
	savePatientNames(b, c.Patients)
	saveVisitNames(b, c.Encounters)
}

func saveAliases(b *pgx.Batch, list []alias.Statement) {
	n := len(list)
	if n == 0 {
		return
	}
	from, to, message, org, hash := make([]events.ID, n), make([]events.ID, n), make([]events.ID, n), make([]events.ID, n), make([]events.ID, n)
	recorded, sent := make([]time.Time, n), make([]time.Time, n)
	control, reason, place := make([]string, n), make([]string, n), make([]int16, n)
	for i, s := range list {
		from[i], to[i], message[i], org[i], hash[i] = s.From, s.To, s.Message, s.Org, s.Hash
		recorded[i], sent[i], control[i], reason[i], place[i] = s.Recorded, s.Sent, s.Control, s.Reason, int16(s.Place)
	}
	b.Queue(`INSERT INTO alias (from_id, to_id, message_id, org_id, hash, recorded_at, sent_at, control_id, reason, place)
		SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::timestamptz[], $7::timestamptz[], $8::text[], $9::text[], $10::smallint[])`,
		from, to, message, org, hash, recorded, sent, control, reason, place)
}

func savePatientNames(b *pgx.Batch, list []*Patient) {
	var id, cluster, into, whose []events.ID
	var deletions, former []*string
	var effective []*string
	var detail patientArrays
	for _, p := range list {
		if p.Joined {
			id, cluster, into, deletions = append(id, p.ID), append(cluster, p.Cluster), append(into, p.Into), append(deletions, nonEmpty(p.deletions))
			former = append(former, uuids(p.Former))
		}
		if r := p.Effective; r != nil {
			groups := encodeGroups(r)
			whose, effective = append(whose, p.ID), append(effective, &groups)
			detail.name(r)
		}
	}
	if len(id) > 0 {
		b.Queue(`UPDATE patient p SET cluster_id = u.cluster, into_id = u.stands_for, deletions = u.deletions, former = u.former::uuid[]
			FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[]) AS u(id, cluster, stands_for, deletions, former) WHERE p.id = u.id`, id, cluster, into, deletions, former)
	}
	if len(whose) > 0 {
		b.Queue(`UPDATE patient_detail d SET effective = u.groups, family = u.family, given = u.given, birth = u.birth
			FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) AS u(id, groups, family, given, birth) WHERE d.id = u.id`,
			whose, effective, detail.family, detail.given, detail.birth)
	}
}

// uuids is an array as text; nil for none.
func uuids(list []events.ID) *string {
	if len(list) == 0 {
		return nil
	}
	parts := make([]string, len(list))
	for i, id := range list {
		parts[i] = id.String()
	}
	s := "{" + strings.Join(parts, ",") + "}"
	return &s
}

func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// name adds what a record is searched by.
func (a *patientArrays) name(r *identity.Record) {
	name := identity.Read[identity.PersonName](r, identity.Name)
	a.family, a.given = append(a.family, Folded(name.Family)), append(a.given, Folded(name.Given))
	a.birth = append(a.birth, r.Value(identity.Birth))
}

func saveVisitNames(b *pgx.Batch, list []*Encounter) {
	var id, cluster, into []events.ID
	var visit []string
	for _, e := range list {
		if e.Joined {
			id, cluster, into, visit = append(id, e.ID), append(cluster, e.Cluster), append(into, e.Into), append(visit, e.Visit)
		}
	}
	if len(id) > 0 {
		b.Queue(`UPDATE encounter e SET cluster_id = u.cluster, into_id = u.stands_for, visit = u.visit
			FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) AS u(id, cluster, stands_for, visit) WHERE e.id = u.id`, id, cluster, into, visit)
	}
}
