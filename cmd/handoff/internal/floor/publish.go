package floor

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
)

var codes = []string{"call", "medication-reconciliation", "visit-7", "visit-14", "summary"}

// publish puts committed events on the stream, as they were handed over in memory.
func (f *Floor) publish(ctx context.Context) error {
	for {
		var list []note
		select {
		case <-ctx.Done():
			return nil
		case list = <-f.published:
		}
	more:
		for len(list) < most {
			select {
			case next := <-f.published:
				list = append(list, next...)
			default:
				break more
			}
		}
		if err := f.send(ctx, list); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		seqs := make([]int64, len(list))
		for i, n := range list {
			seqs[i] = n.seq
		}
		f.deleted <- seqs
	}
}

func (f *Floor) send(ctx context.Context, list []note) error {
	batch := events.NewID().String()
	for i, n := range list {
		msg := nats.NewMsg("floor.fact")
		msg.Data = n.doc
		msg.Header.Set(nats.MsgIdHdr, n.id.String())
		last := i == len(list)-1
		if len(list) > 1 {
			msg.Header["Nats-Batch-Id"], msg.Header["Nats-Batch-Sequence"] = []string{batch}, []string{strconv.Itoa(i + 1)}
			if last {
				msg.Header["Nats-Batch-Commit"] = []string{"1"}
			}
		}
		if !last {
			if err := f.nc.PublishMsg(msg); err != nil {
				return err
			}
			continue
		}
		reply, err := f.nc.RequestMsgWithContext(ctx, msg)
		if err != nil {
			return err
		}
		var ack struct{ Error *struct{ Description string } }
		if err := json.Unmarshal(reply.Data, &ack); err != nil {
			return err
		}
		if ack.Error != nil {
			return fmt.Errorf("publish: %s", ack.Error.Description)
		}
	}
	return nil
}

// forget deletes pointers of published events, lazily.
func (f *Floor) forget(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var seqs []int64
	for {
		select {
		case <-ctx.Done():
			return nil
		case more := <-f.deleted:
			seqs = append(seqs, more...)
		case <-tick.C:
			if len(seqs) == 0 {
				continue
			}
			b := &pgx.Batch{}
			b.Queue(`SELECT set_config('synchronous_commit', 'off', true)`)
			b.Queue(`DELETE FROM pointer WHERE seq = ANY($1)`, seqs)
			if err := f.db.SendBatch(ctx, b).Close(); err != nil && ctx.Err() == nil {
				return err
			}
			seqs = seqs[:0]
		}
	}
}

// consume commits inbox and tasks of whatever arrived during the last commit.
func (f *Floor) consume(ctx context.Context) error {
	cons, err := f.js.CreateOrUpdateConsumer(ctx, outbox.StreamName("floor"), jetstream.ConsumerConfig{
		Durable: "tasks", AckPolicy: jetstream.AckAllPolicy, MaxAckPending: 4 * most})
	if err != nil {
		return err
	}
	arrived := make(chan jetstream.Msg, 4*most)
	cc, err := cons.Consume(func(m jetstream.Msg) { arrived <- m }, jetstream.PullMaxMessages(4*most))
	if err != nil {
		return err
	}
	defer cc.Stop()
	for {
		var list []jetstream.Msg
		select {
		case <-ctx.Done():
			return nil
		case m := <-arrived:
			list = append(list, m)
		}
	more:
		for len(list) < most {
			select {
			case m := <-arrived:
				list = append(list, m)
			default:
				break more
			}
		}
		if err := f.handle(ctx, list); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if err := list[len(list)-1].Ack(); err != nil {
			return err
		}
	}
}

func (f *Floor) handle(ctx context.Context, list []jetstream.Msg) error {
	ids, tasks := make([][16]byte, 0, len(list)), [][16]byte{}
	var visits, names []string
	var dues, discharges []time.Time
	for _, m := range list {
		var ev fact
		if err := json.Unmarshal(m.Data(), &ev); err != nil {
			return err
		}
		ids = append(ids, ev.ID)
		if ev.Trigger != "A03" {
			continue
		}
		discharges = append(discharges, ev.Received)
		for i, code := range codes {
			tasks, visits, names = append(tasks, events.NewID()), append(visits, ev.Visit), append(names, code)
			dues = append(dues, ev.Received.Add(time.Duration(i+2)*24*time.Hour))
		}
	}
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO inbox SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING`, ids)
	if len(tasks) > 0 {
		b.Queue(`INSERT INTO task SELECT *, 'requested' FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])`, tasks, visits, names, dues)
	}
	if err := f.db.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	now := time.Now()
	f.stats.Lock()
	f.stats.handled += int64(len(list))
	f.stats.tasks += int64(len(tasks))
	for _, at := range discharges {
		f.stats.latency = append(f.stats.latency, now.Sub(at))
	}
	f.stats.Unlock()
	return nil
}
