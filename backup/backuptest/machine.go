package backuptest

import (
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
	"github.com/snapkeep/snapkeep/internal/awssim/ssmsim"
)

// An Agent is what of Systems Manager runs on an instance: it makes the
// instance a managed one.
type Agent struct {
	// Windows says that the instance runs Windows, and not Linux.
	Windows bool
	// Offline agents do not connect: commands wait until their time is up.
	Offline bool
	// Run does what a command on the instance would. It must not use the cloud.
	// Nil means success after a second, without output.
	Run func(Command) Outcome
}

// A Command is what an agent is to run.
type Command struct {
	Instance Ref // the ID is that of the instance
	// Document is the name of the document, such as "AWS-RunShellScript".
	Document   string
	Parameters map[string][]string // of the document
	At         time.Time           // when it starts
}

// An Outcome is how a command ends.
type Outcome struct {
	Stdout, Stderr string        // what it writes
	ExitCode       int32         // zero is success
	Duration       time.Duration // how long it runs
}

// SetAgent puts an agent on an instance, or changes the one it has.
func (c *Cloud) SetAgent(instance Ref, a Agent) error {
	inside := ssmsim.Agent{Offline: a.Offline}
	if a.Windows {
		inside.Platform = "Windows"
	}
	if a.Run != nil {
		inside.Run = func(s ssmsim.Script) ssmsim.Outcome {
			return ssmsim.Outcome(a.Run(Command{Instance: refOf(s.Instance), Document: s.Document, Parameters: s.Parameters, At: s.At}))
		}
	}
	return c.sim.SSM().SetAgent(instance.inside(), inside)
}

// RemoveAgent takes the agent off an instance.
func (c *Cloud) RemoveAgent(instance Ref) { c.sim.SSM().RemoveAgent(instance.inside()) }

// A Document is a command document of an account's own. AWS's own are there:
// AWS-RunShellScript and a few more.
type Document struct {
	Name string // 3 to 128 letters, digits and _-.
	// Windows says that it runs on Windows, and not on Linux.
	Windows bool
	// Parameters are the names of those that it takes.
	Parameters []string
}

// PutDocument makes a document of an account, in all its Regions, or replaces
// it. What it does on an instance is the agent's to say, see Agent.Run.
func (c *Cloud) PutDocument(account accounts.ID, d Document) {
	c.sim.SSM().PutDocument(account.String(), ssmsim.Document(d))
}

// An Image is a public image to run instances from.
type Image struct {
	Name string // of the image
	// Architecture is x86_64 or arm64. Empty means x86_64.
	Architecture types.ArchitectureValues
	// Platform as EC2 bills it: "Windows", "Red Hat Enterprise Linux". Empty
	// means "Linux/UNIX".
	Platform string
	// Products are codes of the AWS Marketplace.
	Products []string
	// Stores are devices of volumes of the computer an instance runs on, which
	// no snapshot can hold.
	Stores []string
}

// PublishImage publishes an image in a Region and returns its id.
func (c *Cloud) PublishImage(region string, i Image) (id string, err error) {
	return c.sim.EC2().PublishImage(region, ec2sim.PublicImage{
		Name: i.Name, Arch: i.Architecture, Platform: i.Platform, Products: i.Products, Stores: i.Stores,
	})
}

// A BinRule keeps deleted snapshots in the Recycle Bin of a site.
type BinRule struct {
	Account accounts.ID // whose snapshots
	Region  string      // where they are
	Days    int         // how long they are kept: 1 to 3,650
	// Tags choose snapshots that have one of them; an empty value is any. Nil
	// chooses all.
	Tags map[string]string
}

// SetRecycleBin replaces all rules of the Recycle Bin. What is in it stays as
// long as the rule said that put it there.
func (c *Cloud) SetRecycleBin(rules ...BinRule) error {
	var inside []ec2sim.BinRule
	for _, r := range rules {
		in := ec2sim.BinRule{Site: ec2sim.Site{Account: r.Account.String(), Region: r.Region}, Days: r.Days}
		for _, k := range slices.Sorted(maps.Keys(r.Tags)) {
			in.Tags = append(in.Tags, ec2sim.BinTag{Key: k, Value: r.Tags[k]})
		}
		inside = append(inside, in)
	}
	return c.sim.EC2().SetRecycleBin(inside...)
}
