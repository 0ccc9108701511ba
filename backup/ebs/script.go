package ebs

import (
	"context"
	"fmt"

	"github.com/snapkeep/snapkeep/backup"
)

var _ backup.Commander = (*client)(nil)

// script sends the command of a step.
func (c *client) script(ctx context.Context, s backup.Step) error {
	if err := c.runsScripts(s.Resource); err != nil {
		return err
	}
	return c.scripts().Run(ctx, s)
}

// Commands lists what was sent to an instance.
func (c *client) Commands(ctx context.Context, q backup.CommandQuery) ([]backup.Command, error) {
	if err := c.runsScripts(q.Resource); err != nil {
		return nil, err
	}
	return c.scripts().Commands(ctx, q)
}

func (c *client) runsScripts(r backup.Resource) error {
	switch {
	case r.Kind != KindInstance:
		return fmt.Errorf("scripts on a %s: %w", r.Kind, backup.ErrUnsupported)
	case c.scripts == nil:
		return fmt.Errorf("scripts on %s: the driver's Options have no Scripts: %w", r.ID(), backup.ErrUnsupported)
	}
	return nil
}
