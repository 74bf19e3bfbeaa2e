package setup

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/channel"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// told is how long a device is told of what is urgent after somebody asked for it, or last signed in on it: a
// long shift.
const told = 12 * time.Hour

// Devices is the door to people's own devices. Safe for concurrent use.
type Devices struct {
	DB *postgres.DB
	// Check tells whether a push service's address can be used.
	Check func(endpoint string) error
}

// Routes adds the routes.
func (s Devices) Routes(r *web.Router) {
	web.Handle(r, web.AlertsWork, "GET", "/devices/key", "The key that push services know this organization by", s.key)
	web.Handle(r, web.AlertsWork, "GET", "/devices", "My devices that are told of what is urgent", s.list)
	web.Handle(r, web.AlertsWork, "POST", "/devices", "Tell me of what is urgent on this device", s.put)
	web.Handle(r, web.AlertsWork, "POST", "/devices/renew", "Go on telling me on this device", s.renew)
	web.Handle(r, web.AlertsWork, "POST", "/devices/forget", "Tell me no more on this device", s.forget)
}

type keyOut struct {
	Body struct {
		Key string `json:"key" doc:"an uncompressed point of P-256, base64url: the applicationServerKey of a subscription"`
	}
}

func (s Devices) key(ctx context.Context, _ *none) (*keyOut, error) {
	org, out := web.From(ctx).Org, &keyOut{}
	err := s.DB.Tx(ctx, org, func(tx pgx.Tx) error {
		private, err := store.PushKey(ctx, tx, org, channel.NewPushKey())
		if err != nil {
			return err
		}
		out.Body.Key, err = channel.PublicPushKey(private)
		return err
	})
	return out, err
}

// Device is one of the caller's.
type Device struct {
	ID        events.ID `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	Until     time.Time `json:"until" doc:"when it is told no more, unless its person signs in on it again"`
}

func (s Devices) list(ctx context.Context, _ *none) (*web.Listed[Device], error) {
	me, list := web.From(ctx), []Device{}
	err := s.DB.Tx(ctx, me.Org, func(tx pgx.Tx) error {
		found, err := store.DevicesOf(ctx, tx, me.Org, me.Subject)
		for _, d := range found {
			list = append(list, Device{d.ID, d.CreatedAt, d.Until})
		}
		return err
	})
	return web.Page(list, len(list), nil), err
}

type deviceIn struct {
	Body struct {
		Endpoint string `json:"endpoint" minLength:"1" maxLength:"2000" doc:"of the browser's push service; it is a secret of the device"`
		P256dh   string `json:"p256dh" maxLength:"100" doc:"base64url"`
		Auth     string `json:"auth" maxLength:"40" doc:"base64url"`
	}
}

type endpointOnly struct {
	Body struct {
		Endpoint string `json:"endpoint" minLength:"1" maxLength:"2000"`
	}
}

type untilOut struct {
	Body struct {
		Until time.Time `json:"until"`
	}
}

func (s Devices) put(ctx context.Context, in *deviceIn) (*untilOut, error) {
	d, err := channel.DeviceKeys(in.Body.P256dh, in.Body.Auth)
	if err == nil {
		err = s.Check(in.Body.Endpoint)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s", err)
	}
	d.Endpoint = in.Body.Endpoint
	me, out := web.From(ctx), until()
	return out, s.DB.Tx(ctx, me.Org, func(tx pgx.Tx) error {
		if _, err := store.PushKey(ctx, tx, me.Org, channel.NewPushKey()); err != nil {
			return err
		}
		return store.PutDevice(ctx, tx, me.Org, me.Subject, roles(me), d, out.Body.Until)
	})
}

func (s Devices) renew(ctx context.Context, in *endpointOnly) (*untilOut, error) {
	me, out := web.From(ctx), until()
	return out, s.DB.Tx(ctx, me.Org, func(tx pgx.Tx) error {
		mine, err := store.RenewDevice(ctx, tx, me.Org, me.Subject, roles(me), in.Body.Endpoint, out.Body.Until)
		if err == nil && !mine {
			err = fault.New(fault.Unknown, "this device tells you nothing")
		}
		return err
	})
}

func (s Devices) forget(ctx context.Context, in *endpointOnly) (*none, error) {
	me := web.From(ctx)
	return &none{}, s.DB.Tx(ctx, me.Org, func(tx pgx.Tx) error { return store.ForgetDevice(ctx, tx, me.Org, me.Subject, in.Body.Endpoint) })
}

func until() *untilOut {
	out := &untilOut{}
	out.Body.Until = time.Now().UTC().Add(told).Truncate(time.Microsecond)
	return out
}

func roles(p web.Principal) []string {
	out := make([]string, len(p.Roles))
	for i, r := range p.Roles {
		out[i] = string(r)
	}
	return out
}
