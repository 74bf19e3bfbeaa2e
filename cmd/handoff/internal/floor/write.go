package floor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

const most = 500

// frame is a message between its arrival and its acknowledgement.
type frame struct {
	body     []byte
	received time.Time
	message  *hl7.Message
	kept     chan error
}

// fact is the floor's event.
type fact struct {
	ID       events.ID `json:"id"`
	Visit    string    `json:"visit"`
	Trigger  string    `json:"trigger"`
	Received time.Time `json:"received"`
}

// note is a committed event on its way to the stream.
type note struct {
	seq int64
	id  events.ID
	doc []byte
}

func (f *Floor) accept(ctx context.Context) error {
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		go f.serve(ctx, conn)
	}
}

func (f *Floor) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	in, out := mllp.NewReader(conn, mllp.Options{}), bufio.NewWriter(conn)
	for ctx.Err() == nil {
		body, err := in.ReadFrame()
		if err != nil {
			return
		}
		fr := &frame{body: append([]byte(nil), body...), received: time.Now(), kept: make(chan error, 1)}
		if fr.message, err = hl7.Parse(fr.body); err != nil {
			return
		}
		f.arrived <- fr
		if err := <-fr.kept; err != nil {
			return
		}
		ack := hl7.Ack(fr.message.Header(), hl7.Reply{Code: hl7.AA})
		if mllp.WriteFrame(out, ack) != nil || out.Flush() != nil {
			return
		}
	}
}

// write commits whatever arrived during the last commit.
func (f *Floor) write(ctx context.Context) error {
	for {
		var batch []*frame
		select {
		case <-ctx.Done():
			return nil
		case fr := <-f.arrived:
			batch = append(batch, fr)
		}
	more:
		for len(batch) < most {
			select {
			case fr := <-f.arrived:
				batch = append(batch, fr)
			default:
				break more
			}
		}
		notes, err := f.commit(ctx, batch)
		for _, fr := range batch {
			fr.kept <- err
		}
		if err != nil {
			return err
		}
		f.stats.Lock()
		f.stats.accepted += int64(len(batch))
		f.stats.Unlock()
		f.published <- notes
	}
}

func (f *Floor) commit(ctx context.Context, batch []*frame) ([]note, error) {
	r, err := f.rows(batch)
	if err != nil {
		return nil, err
	}
	b := &pgx.Batch{}
	if len(batch) == 1 {
		b.Queue(`INSERT INTO raw VALUES ($1, $2, $3, $4)`, r.id[0], r.control[0], r.received[0], r.body[0])
		b.Queue(`INSERT INTO stay VALUES ($1, $2, 1, $3) ON CONFLICT (visit) DO UPDATE SET trigger = excluded.trigger, version = stay.version + 1, changed = excluded.changed`, r.visit[0], r.trigger[0], r.received[0])
		b.Queue(`INSERT INTO log VALUES ($1, $2, $3, $4)`, r.seq[0], r.id[0], r.doc[0], r.received[0])
		b.Queue(`INSERT INTO pointer VALUES ($1)`, r.seq[0])
	} else {
		b.Queue(`INSERT INTO raw SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bytea[])`, r.id, r.control, r.received, r.body)
		b.Queue(`INSERT INTO stay SELECT DISTINCT ON (v) v, t, 1, a FROM unnest($1::text[], $2::text[], $3::timestamptz[]) WITH ORDINALITY AS x(v, t, a, n) ORDER BY v, n DESC
			ON CONFLICT (visit) DO UPDATE SET trigger = excluded.trigger, version = stay.version + 1, changed = excluded.changed`, r.visit, r.trigger, r.received)
		b.Queue(`INSERT INTO log SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bytea[], $4::timestamptz[])`, r.seq, r.id, r.doc, r.received)
		b.Queue(`INSERT INTO pointer SELECT unnest($1::bigint[])`, r.seq)
	}
	return r.notes, f.db.SendBatch(ctx, b).Close()
}

type columns struct {
	id             [][16]byte
	control        []string
	visit, trigger []string
	received       []time.Time
	body, doc      [][]byte
	seq            []int64
	notes          []note
}

func (f *Floor) rows(batch []*frame) (columns, error) {
	var r columns
	for _, fr := range batch {
		id, m := events.NewID(), fr.message
		ev := fact{ID: id, Trigger: m.Trigger(), Received: fr.received}
		if pv1 := m.Segment("PV1"); pv1.Exists() {
			ev.Visit = pv1.Field(19).Component(1).String()
		}
		doc, err := json.Marshal(ev)
		if err != nil {
			return r, err
		}
		f.seq++
		r.id, r.control, r.visit = append(r.id, id), append(r.control, m.ControlID()), append(r.visit, ev.Visit)
		r.trigger, r.received, r.body = append(r.trigger, ev.Trigger), append(r.received, fr.received), append(r.body, fr.body)
		r.doc, r.seq, r.notes = append(r.doc, doc), append(r.seq, f.seq), append(r.notes, note{f.seq, id, doc})
	}
	return r, nil
}
