package admission

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/run/durable"
	"github.com/handoff-care/handoff/pkg/seal"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// unlock reads the keys under which messages' keys are wrapped, and gives them to the store.
func (s *service) unlock(ctx context.Context) error {
	if s.wrapper != nil {
		return s.store.Unlock(ctx, s.wrapper)
	}
	keys, err := s.readKeys(ctx)
	if err != nil {
		return err
	}
	if err := s.store.Unlock(ctx, keys); err != nil {
		return err
	}
	s.wrapper = keys
	if s.config.DatabaseURL != "" {
		return nil
	}
	// The database is in the data directory, and whoever looks there while it does not run is told its key.
	return durable.Write(filepath.Join(s.config.Data, run.UsedKeyFile), []byte(keys.Active()+"\n"), 0o600)
}

// readKeys reads the key file. That of a data directory is made on the first start, but never where
// there are messages that another one has sealed.
func (s *service) readKeys(ctx context.Context) (*seal.Keys, error) {
	if file := s.config.KeyFile; file != "" {
		keys, err := seal.Read(file)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("--key-file: there is no %s: put back your copy of it; before the first start handoff key new %s makes one", file, file)
		}
		return keys, err
	}
	if s.config.DatabaseURL != "" && !s.config.Dev {
		return nil, errors.New("messages are kept sealed, and there is no key: set --key-file (HANDOFF_KEY_FILE) to a file that every admission gets; handoff key new FILE makes it once. Keep a copy of it, not beside the database's")
	}
	file := filepath.Join(s.config.Data, run.KeyFile)
	keys, err := seal.Read(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	n, err := s.store.DataKeys(ctx)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		return nil, fmt.Errorf("%s is missing, and messages of this database are sealed with it: put back your copy of it, or name it with --key-file", file)
	}
	return seal.ReadOrCreate(file)
}

const (
	sealEvery = time.Minute
	sealBatch = 32
)

// keepSealed seals what an older version kept in the clear, a quarter of the time at most.
func (s *service) keepSealed(ctx context.Context) error {
	return every(ctx, sealEvery, func() {
		total := 0
		for ctx.Err() == nil {
			began := time.Now()
			n, err := s.store.SealOlder(ctx, sealBatch)
			if err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "messages that an older version kept are not sealed yet", "error", err)
			}
			if total += n; n == 0 || err != nil {
				break
			}
			pause(ctx, 3*time.Since(began))
		}
		if total > 0 {
			s.log.InfoContext(ctx, "messages that an older version kept were sealed", "messages", total)
		}
		if n, err := s.store.InTheClear(ctx); err == nil {
			s.metrics.clear.Set(float64(n))
		}
	})
}

type sealingOut struct{ Body store.Sealing }

func (s *service) sealing(ctx context.Context, _ *struct{}) (out *sealingOut, err error) {
	out = &sealingOut{}
	err = s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
		out.Body, err = s.store.Sealing(ctx, tx)
		return err
	})
	return out, err
}

type shredIn struct {
	Body struct {
		Code  string `json:"code" minLength:"1" doc:"short name of the caller's organization"`
		Again string `json:"again" minLength:"1" doc:"the same once more"`
	}
}

type shredOut struct {
	Body struct {
		Keys int64 `json:"keys" doc:"data keys that were destroyed"`
	}
}

// shredAfter is how long messages may still come after a feed was switched off: every process looks at
// feeds once a second.
const shredAfter = 3 * time.Second

// shred destroys the keys of the caller's organization: what its messages said is gone, here and in
// every copy of the database that is made from now on. Stays and plans are not touched.
func (s *service) shred(ctx context.Context, in *shredIn) (*shredOut, error) {
	who, out := web.From(ctx), &shredOut{}
	err := s.db.Tx(ctx, who.Org, func(tx pgx.Tx) error {
		code, err := s.store.Code(ctx, tx)
		if err != nil {
			return err
		}
		if code == "" || in.Body.Code != code || in.Body.Again != code {
			return fault.New(fault.Invalid, "name the organization whose messages are to be destroyed, twice, by its short name")
		}
		on, err := s.store.FeedsOn(ctx, tx)
		if err == nil && on > 0 {
			err = store.ErrFeedsOn
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	pause(ctx, s.shredAfter)
	err = s.db.Tx(ctx, who.Org, func(tx pgx.Tx) (err error) {
		if out.Body.Keys, err = s.store.Shred(ctx, tx); err != nil {
			return err
		}
		return s.looked(ctx, tx, "organizations.shred", "HSYSADMIN", who.Org, nil)
	})
	if err != nil {
		return nil, err
	}
	s.store.Forget()
	s.log.WarnContext(ctx, "the keys of an organization's messages were destroyed", "org", who.Org.String(), "keys", out.Body.Keys, "event", "security")
	return out, nil
}

// readable reports why a message's bytes are not to be read, if that is so for ever.
func readable(err error) (lost string) {
	switch {
	case errors.Is(err, store.ErrGone):
		return adt.Destroyed
	case errors.Is(err, seal.ErrDamaged):
		return adt.Damaged
	}
	return ""
}

// content reads a message's bytes. That somebody changed them is written down.
func (s *service) content(ctx context.Context, tx pgx.Tx, id events.ID) ([]byte, error) {
	body, err := s.store.Content(ctx, tx, id)
	if errors.Is(err, seal.ErrDamaged) {
		s.log.ErrorContext(ctx, "the bytes of a kept message are not those that were kept", "message", id.String(), "event", "security")
		err = fault.Wrap(fault.Internal, err, "the bytes of this message are not those that were kept")
	}
	return body, err
}
