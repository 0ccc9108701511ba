package ec2sim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// maxDeprecation is how far ahead a deprecation may lie.
// Source: EC2 User Guide, "Deprecate an Amazon EC2 AMI": ten years for
// private AMIs. That public AMIs are deprecated after two years whatever
// their owner does is not simulated.
const maxDeprecation = 10 * 365 * 24 * time.Hour

// EnableImageDeprecation says when an image is deprecated.
func (s *Service) EnableImageDeprecation(c *core.Call, in *ec2.EnableImageDeprecationInput) (*ec2.EnableImageDeprecationOutput, error) {
	im, err := s.imageFor(c, in.ImageId, in.DryRun, nil)
	if err != nil {
		return nil, err
	}
	if in.DeprecateAt == nil {
		return nil, core.Errorf("MissingParameter", "The request must contain the parameter DeprecateAt")
	}
	// Seconds are rounded to the nearest minute.
	at := in.DeprecateAt.UTC().Round(time.Minute)
	if at.Before(c.Now) || at.After(c.Now.Add(maxDeprecation)) {
		return nil, core.Errorf("InvalidParameterValue", "Value (%s) for parameter DeprecateAt is invalid.", at.Format(time.RFC3339))
	}
	im.deprecated = at
	return &ec2.EnableImageDeprecationOutput{Return: aws.Bool(true)}, nil
}

// DisableImageDeprecation takes the deprecation of an image back.
func (s *Service) DisableImageDeprecation(c *core.Call, in *ec2.DisableImageDeprecationInput) (*ec2.DisableImageDeprecationOutput, error) {
	im, err := s.imageFor(c, in.ImageId, in.DryRun, nil)
	if err != nil {
		return nil, err
	}
	im.deprecated = time.Time{}
	return &ec2.DisableImageDeprecationOutput{Return: aws.Bool(true)}, nil
}

func (im *image) isDeprecated(now time.Time) bool {
	return !im.deprecated.IsZero() && !now.Before(im.deprecated)
}

func (im *image) deprecationTime() string {
	if im.deprecated.IsZero() {
		return ""
	}
	return timestamp(im.deprecated)
}

// DisableImage makes an image useless for launches, and private.
// Source: EC2 API Reference, DisableImage.
func (s *Service) DisableImage(c *core.Call, in *ec2.DisableImageInput) (*ec2.DisableImageOutput, error) {
	im, err := s.imageFor(c, in.ImageId, in.DryRun, nil)
	if err != nil {
		return nil, err
	}
	if state := im.state(c.Now); state != types.ImageStateAvailable && state != types.ImageStateDisabled {
		return nil, unavailable(im)
	}
	s.was.access.Was(s.cloud, im.id, im.access)
	im.disabled, im.access = true, imageAccess{}
	return &ec2.DisableImageOutput{Return: aws.Bool(true)}, nil
}

// EnableImage makes a disabled image available again; whom it was shared
// with is not restored.
func (s *Service) EnableImage(c *core.Call, in *ec2.EnableImageInput) (*ec2.EnableImageOutput, error) {
	im, err := s.imageFor(c, in.ImageId, in.DryRun, nil)
	if err != nil {
		return nil, err
	}
	im.disabled = false
	return &ec2.EnableImageOutput{Return: aws.Bool(true)}, nil
}

// unavailable is the answer to the use of an image that is not available.
func unavailable(im *image) error {
	return core.Errorf("InvalidAMIID.Unavailable", "The image ID '%s' is not available", im.id)
}

// cooldown is how long an image stays protected that was so with a cooldown.
// Source: EC2 API Reference, EnableImageDeregistrationProtection.
const cooldown = 24 * time.Hour

// A protection keeps an image from being deregistered.
type protection struct {
	on, cooled bool
	until      time.Time // of one that was disabled
}

func (p protection) holds(now time.Time) bool { return p.on || now.Before(p.until) }

// name of a protection. Nothing public lists the values; these are how the
// console speaks of it.
func (p protection) name(now time.Time) string {
	switch {
	case p.on && p.cooled:
		return "enabled-with-cooldown"
	case p.on:
		return "enabled-without-cooldown"
	case now.Before(p.until):
		return "disabled-with-cooldown"
	}
	return "disabled"
}

// EnableImageDeregistrationProtection protects an image from being
// deregistered.
func (s *Service) EnableImageDeregistrationProtection(c *core.Call, in *ec2.EnableImageDeregistrationProtectionInput) (*ec2.EnableImageDeregistrationProtectionOutput, error) {
	im, err := s.imageFor(c, in.ImageId, in.DryRun, nil)
	if err != nil {
		return nil, err
	}
	im.protection = protection{on: true, cooled: aws.ToBool(in.WithCooldown)}
	return &ec2.EnableImageDeregistrationProtectionOutput{Return: aws.String("true")}, nil
}

// DisableImageDeregistrationProtection takes the protection away, after the
// cooldown if there is one.
func (s *Service) DisableImageDeregistrationProtection(c *core.Call, in *ec2.DisableImageDeregistrationProtectionInput) (*ec2.DisableImageDeregistrationProtectionOutput, error) {
	im, err := s.imageFor(c, in.ImageId, in.DryRun, nil)
	if err != nil {
		return nil, err
	}
	if im.protection.on && im.protection.cooled {
		im.protection = protection{until: c.Now.Add(cooldown)}
	}
	im.protection.on = false
	return &ec2.DisableImageDeregistrationProtectionOutput{Return: aws.String("true")}, nil
}
