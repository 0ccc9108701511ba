package core

import (
	"slices"

	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// A Service is one AWS service as the dispatcher knows it.
type Service struct {
	// Name in the credential scope: "ec2".
	Name       string
	Protocol   wire.Protocol
	Operations map[string]Operation
	// Signing is what the service demands of signatures beside what all do.
	Signing sigv4.Rules
}

// An Operation is the Go method behind one operation of a service.
type Operation struct {
	newInput func() any
	run      func(c *Call, in any) (any, error)
}

// Op makes an Operation of a method such as
//
//	func (s *Service) CopySnapshot(c *core.Call, in *ec2.CopySnapshotInput) (*ec2.CopySnapshotOutput, error)
//
// Operations are named one by one rather than found by reflection: finding
// methods by name would link every operation of every SDK client into every
// program, five times the size.
func Op[In, Out any](method func(*Call, *In) (*Out, error)) Operation {
	return Operation{
		newInput: func() any { return new(In) },
		run: func(c *Call, in any) (any, error) {
			out, err := method(c, in.(*In))
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
}

// Register makes a service reachable.
func (c *Cloud) Register(s *Service) { c.services[s.Name] = s }

// Operations returns the names of all operations there are, sorted: "ec2:CopySnapshot".
func (c *Cloud) Operations() []string {
	var names []string
	for service, s := range c.services {
		for operation := range s.Operations {
			names = append(names, service+":"+operation)
		}
	}
	slices.Sort(names)
	return names
}
