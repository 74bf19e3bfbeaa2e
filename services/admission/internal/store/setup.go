package store

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
)

// Setup is all facilities, feeds and keys of all organizations, as of one version. Immutable.
type Setup struct {
	Version    int64
	Feeds      map[events.ID]*adt.Feed
	Facilities map[events.ID]*adt.Facility
	byCode     map[codeKey]*adt.Facility
	byCert     map[string]*adt.Feed
	loopback   *adt.Feed

	development bool
	secret      []byte
	keys        map[string]apiKey
}

type codeKey struct {
	org  events.ID
	code string
}

type apiKey struct {
	hash            []byte
	feed            events.ID
	expires, revoke *time.Time
}

// Facility finds a facility by its code.
func (s *Setup) Facility(org events.ID, code string) *adt.Facility {
	return s.byCode[codeKey{org, code}]
}

// Loopback is the feed that plain connections on loopback belong to, or nil.
func (s *Setup) Loopback() *adt.Feed { return s.loopback }

// Certificate finds the feed of a client certificate by fingerprint or SAN; nil if none of names is known.
func (s *Setup) Certificate(names ...string) *adt.Feed {
	for _, n := range names {
		if f := s.byCert[strings.ToLower(n)]; f != nil {
			return f
		}
	}
	return nil
}

// Key finds the feed of an API key; nil if it is not known, has expired or was revoked.
func (s *Setup) Key(key string, now time.Time) *adt.Feed {
	prefix, _, ok := cutKey(key)
	k, known := s.keys[prefix]
	sum := sha256.Sum256([]byte(key))
	if !ok || !known || subtle.ConstantTimeCompare(sum[:], k.hash) != 1 || k.revoke != nil || k.expires != nil && now.After(*k.expires) {
		return nil
	}
	if f := s.Feeds[k.feed]; f != nil && f.Enabled {
		return f
	}
	return nil
}

// Directory keeps a process's Setup new.
type Directory struct {
	// Development lets development feeds be used at all.
	Development bool
	// Secret is what feeds make keyed digests with.
	Secret []byte

	store   *Store
	created func(ctx context.Context, tx pgx.Tx, f *adt.Facility) error // announces a facility in its transaction
	now     atomic.Pointer[Setup]
	mu      sync.Mutex // one reload or creation at a time
}

// NewDirectory returns a directory that is empty until its first Refresh.
func NewDirectory(s *Store, created func(context.Context, pgx.Tx, *adt.Facility) error) *Directory {
	d := &Directory{store: s, created: created}
	d.now.Store(&Setup{})
	return d
}

// Setup is the newest one read.
func (d *Directory) Setup() *Setup { return d.now.Load() }

// Current is a feed with its settings of now; nil if it is switched off.
func (d *Directory) Current(feed *adt.Feed) *adt.Feed {
	if f := d.Setup().Feeds[feed.ID]; f != nil && f.Enabled {
		return f
	}
	return nil
}

// Refresh reads the setup if it has changed.
func (d *Directory) Refresh(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refresh(ctx)
}

func (d *Directory) refresh(ctx context.Context) error {
	var version int64
	if err := d.store.DB.System.QueryRow(ctx, `SELECT version FROM setup_version`).Scan(&version); err != nil {
		return err
	}
	if version == d.Setup().Version {
		return nil
	}
	s := &Setup{
		development: d.Development, secret: d.Secret, Version: version, Feeds: map[events.ID]*adt.Feed{}, Facilities: map[events.ID]*adt.Facility{},
		byCode: map[codeKey]*adt.Facility{}, byCert: map[string]*adt.Feed{}, keys: map[string]apiKey{},
	}
	err := d.store.DB.SystemTx(ctx, func(tx pgx.Tx) error { return s.read(ctx, tx) })
	if err == nil {
		d.store.forget() // a key that was destroyed before a feed was switched on again
		d.now.Store(s)
	}
	return err
}

// EnsureFacility creates the facility that a development feed's message names, unverified.
func (d *Directory) EnsureFacility(ctx context.Context, feed *adt.Feed, code string) (*adt.Facility, error) {
	if f := d.Setup().Facility(feed.Org, code); f != nil && f.Location != nil {
		return f, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.Setup().Facility(feed.Org, code); f != nil {
		return f, nil
	}
	f := &adt.Facility{ID: events.Derive("facility", feed.Org.String(), code), Org: feed.Org, Code: code, Name: code, Zone: DevelopmentZone}
	err := d.store.DB.SystemTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO facility (id, org_id, code, name, zone, verified) VALUES ($1, $2, $3, $4, $5, false) ON CONFLICT DO NOTHING`,
			f.ID, f.Org, f.Code, f.Name, f.Zone)
		if err != nil || tag.RowsAffected() == 0 {
			return err // another process was first, and announced it
		}
		return d.created(ctx, tx, f)
	})
	if err != nil {
		return nil, err
	}
	if err := d.refresh(ctx); err != nil {
		return nil, err
	}
	return d.Setup().Facility(feed.Org, code), nil
}

// DevelopmentZone is the zone of a facility made by a development feed, until it is set.
const DevelopmentZone = "America/New_York"

func (s *Setup) read(ctx context.Context, tx pgx.Tx) error {
	if err := s.readFacilities(ctx, tx); err != nil {
		return err
	}
	if err := s.readFeeds(ctx, tx); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT prefix, hash, feed_id, expires_at, revoked_at FROM api_key`)
	if err != nil {
		return err
	}
	var prefix string
	var k apiKey
	_, err = pgx.ForEachRow(rows, []any{&prefix, &k.hash, &k.feed, &k.expires, &k.revoke}, func() error {
		s.keys[prefix] = k
		k = apiKey{}
		return nil
	})
	return err
}

func (s *Setup) readFacilities(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT id, org_id, code, name, zone, verified, aliases, closures, kind,
		array(SELECT code FROM unit u WHERE u.facility_id = f.id AND u.sensitive ORDER BY code) FROM facility f`)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*adt.Facility, error) {
		f := new(adt.Facility)
		err := row.Scan(&f.ID, &f.Org, &f.Code, &f.Name, &f.Zone, &f.Verified, &f.Aliases, &f.Closures, &f.Kind, &f.SensitiveUnits)
		if err == nil {
			f.Location, err = time.LoadLocation(f.Zone)
		}
		return f, err
	})
	for _, f := range list {
		s.Facilities[f.ID] = f
		s.byCode[codeKey{f.Org, f.Code}] = f
	}
	return err
}

func (s *Setup) readFeeds(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT id, org_id, name, development, loopback, enabled, dialect, certificates,
		array(SELECT facility_id FROM feed_facility ff WHERE ff.feed_id = f.id) FROM feed f ORDER BY created_at, id`)
	if err != nil {
		return err
	}
	f := new(adt.Feed)
	var dialect []byte
	var facilities []events.ID
	_, err = pgx.ForEachRow(rows, []any{&f.ID, &f.Org, &f.Name, &f.Development, &f.Loopback, &f.Enabled, &dialect, &f.Certificates, &facilities}, func() error {
		feed := *f
		feed.Dialect = adt.Dialect{}
		if err := json.Unmarshal(dialect, &feed.Dialect); err != nil {
			return err
		}
		if z := feed.Dialect.Zone; z != "" {
			if feed.Location, err = time.LoadLocation(z); err != nil {
				return err
			}
		}
		s.addFeed(&feed, facilities)
		return nil
	})
	return err
}

// addFeed links a feed to its facilities: those listed, or for a development feed all of its organization.
func (s *Setup) addFeed(f *adt.Feed, facilities []events.ID) {
	f.Facilities = nil
	if f.Development {
		for _, fac := range s.Facilities {
			if fac.Org == f.Org {
				f.Facilities = append(f.Facilities, fac)
			}
		}
	} else {
		for _, id := range facilities {
			f.Facilities = append(f.Facilities, s.Facilities[id])
		}
	}
	f.Enabled, f.Secret = f.Enabled && (!f.Development || s.development), s.secret
	s.Feeds[f.ID] = f
	if !f.Enabled {
		return
	}
	if f.Loopback && s.loopback == nil {
		s.loopback = f
	}
	for _, c := range f.Certificates {
		s.byCert[strings.ToLower(c)] = f
	}
}
