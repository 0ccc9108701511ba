package story

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/backup"
)

// A blind driver takes from the engine the field of AWS's own that tells a
// forgery from an original: whose volume's snapshot it is. It is the control
// of the forging attack, and shows what the engine would do without the field.
type blind struct {
	backup.Driver
	w *World
}

func (b blind) Open(cfg aws.Config, site backup.Site) backup.Client {
	c := b.Driver.Open(cfg, site)
	return blindClient{
		c, c.(backup.Holder), c.(backup.Locker), c.(backup.Thawer), c.(backup.Timekeeper), c.(backup.Imager), c.(backup.Commander), b.w,
	}
}

type blindClient struct {
	backup.Client
	backup.Holder
	backup.Locker
	backup.Thawer
	backup.Timekeeper
	backup.Imager
	backup.Commander
	w *World
}

func (c blindClient) List(ctx context.Context, q backup.Query) iter.Seq2[backup.Snapshot, error] {
	return func(yield func(backup.Snapshot, error) bool) {
		for s, err := range c.Client.List(ctx, q) {
			if c.w.blinded && s.ID == c.w.forged {
				s.Volume = c.w.archive().volumes[""]
			}
			if !yield(s, err) {
				return
			}
		}
	}
}
