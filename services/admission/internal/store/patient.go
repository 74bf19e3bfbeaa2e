package store

import (
	"context"
	"encoding/binary"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/phi"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
)

// Patient is one facility's patient.
type Patient struct {
	ID, Org, Facility, Person events.ID
	identity.Record
	Apart bool // somebody said that it is not another: the linker alone links it

	New     bool // not in the tables yet
	Stamped bool // its stamps are newer than in the tables
	Changed bool // its values are others than in the tables
	Moved   bool // its person is another than in the tables
	Compare bool // it is to be compared with others, whether changed or not

	Cluster   events.ID        // all patients that any merge ever tied to it; zero: none
	Into      events.ID        // who it stands for now; zero: itself
	Joined    bool             // these, or its deletions, are others than in the tables
	Effective *identity.Record // what is known of it from all its names, to be saved
	deletions string
	Former    []events.ID // stays that something was said of under its name, and that are others' now
}

// Named is one row of who is named by an identifier.
type Named struct {
	Key, Patient, Facility events.ID
	Own                    bool
}

// groupEnd separates the groups of a record in one text. No value holds it: JSON escapes it.
const groupEnd = "\x1f"

func encodeGroups(r *identity.Record) string {
	parts := make([]string, len(r.Values))
	for g, v := range r.Values {
		parts[g] = strings.ReplaceAll(v.Reveal(), groupEnd, " ")
	}
	return strings.Join(parts, groupEnd)
}

func encodeStamps(r *identity.Record) []byte {
	b := make([]byte, 0, 8*len(r.Stamps))
	for _, s := range r.Stamps {
		b = binary.BigEndian.AppendUint64(b, uint64(s))
	}
	return b
}

// decodeRecord reads both columns. A group added since reads as nothing known.
func decodeRecord(stamps []byte, groups string) (r identity.Record) {
	for g := 0; g < len(r.Stamps) && len(stamps) >= 8; g++ {
		r.Stamps[g] = int64(binary.BigEndian.Uint64(stamps))
		stamps = stamps[8:]
	}
	for g := range r.Values {
		var v string
		v, groups, _ = strings.Cut(groups, groupEnd)
		r.Values[g] = phi.Of(v)
	}
	return r
}

const patientColumns = `p.id, p.org_id, p.facility_id, p.person_id, p.apart, p.stamps, d.groups, p.cluster_id, p.into_id, coalesce(p.deletions, ''), p.former`

func scanPatient(row pgx.CollectableRow) (*Patient, error) {
	p := new(Patient)
	var stamps []byte
	var groups string
	err := row.Scan(&p.ID, &p.Org, &p.Facility, &p.Person, &p.Apart, &stamps, &groups, &p.Cluster, &p.Into, &p.deletions, &p.Former)
	p.Record = decodeRecord(stamps, groups)
	return p, err
}

// savePatients queues what is new or changed.
func savePatients(b *pgx.Batch, list []*Patient) {
	var fresh, stamped, changed patientArrays
	for _, p := range list {
		switch {
		case p.New:
			fresh.add(p)
			continue
		case p.Changed:
			changed.add(p)
		}
		if p.Stamped || p.Moved {
			stamped.add(p)
		}
	}
	if len(fresh.id) > 0 {
		b.Queue(`INSERT INTO patient (id, org_id, facility_id, person_id, stamps) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bytea[])`,
			fresh.id, fresh.org, fresh.facility, fresh.person, fresh.stamps)
		b.Queue(`INSERT INTO patient_detail (id, org_id, groups, family, given, birth) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])`,
			fresh.id, fresh.org, fresh.groups, fresh.family, fresh.given, fresh.birth)
	}
	if len(stamped.id) > 0 {
		b.Queue(`UPDATE patient p SET stamps = u.stamps, person_id = u.person FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) AS u(id, person, stamps) WHERE p.id = u.id`,
			stamped.id, stamped.person, stamped.stamps)
	}
	if len(changed.id) > 0 {
		b.Queue(`UPDATE patient_detail d SET groups = u.groups, family = u.family, given = u.given, birth = u.birth
			FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) AS u(id, groups, family, given, birth) WHERE d.id = u.id`,
			changed.id, changed.groups, changed.family, changed.given, changed.birth)
	}
}

type patientArrays struct {
	id, org, facility, person    []events.ID
	stamps                       [][]byte
	groups, family, given, birth []string
}

func (a *patientArrays) add(p *Patient) {
	a.id, a.org, a.facility, a.person = append(a.id, p.ID), append(a.org, p.Org), append(a.facility, p.Facility), append(a.person, p.Person)
	a.stamps, a.groups = append(a.stamps, encodeStamps(&p.Record)), append(a.groups, encodeGroups(&p.Record))
	a.name(&p.Record)
}

// Folded is a name as it is searched: without case and without what people leave out.
func Folded(name string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '\'', '.', '’':
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// NewIdentifier is an identifier to add to a patient.
type NewIdentifier struct {
	identity.Identifier
	Patient, Org, Facility events.ID
	Own                    bool
}

func saveIdentifiers(b *pgx.Batch, list []NewIdentifier) {
	if len(list) == 0 {
		return
	}
	n := len(list)
	key, patient, org, facility := make([]events.ID, n), make([]events.ID, n), make([]events.ID, n), make([]events.ID, n)
	own, stated := make([]bool, n), make([]bool, n)
	kind, authority, value := make([]string, n), make([]string, n), make([]string, n)
	for i, x := range list {
		key[i], patient[i], org[i], facility[i], own[i], stated[i] = x.Key, x.Patient, x.Org, x.Facility, x.Own, x.Stated
		kind[i], authority[i], value[i] = x.Kind, x.Authority, x.Value.Reveal()
	}
	b.Queue(`INSERT INTO patient_identifier (key, patient_id, org_id, facility_id, own, stated, kind, authority, value)
		SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::boolean[], $6::boolean[], $7::text[], $8::text[], $9::text[])
		ON CONFLICT (key, patient_id) DO NOTHING`, key, patient, org, facility, own, stated, kind, authority, value)
}

// Regroup moves whole groups of linked patients into other groups and returns the patients moved.
func (s *Store) Regroup(ctx context.Context, tx pgx.Tx, from, to []events.ID) ([]*Patient, error) {
	rows, err := tx.Query(ctx, `WITH u AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS u(old, new)),
		p AS (UPDATE patient p SET person_id = u.new FROM u WHERE p.person_id = u.old RETURNING p.*)
		SELECT `+patientColumns+` FROM p JOIN patient_detail d USING (id) ORDER BY p.id`, from, to)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanPatient)
}
