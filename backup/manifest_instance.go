package backup

// A ManifestInstance is what an instance had beside its volumes, as EC2 names
// it. Empty and false fields are what AWS named none for.
type ManifestInstance struct {
	InstanceType string `json:"instanceType"`           // "m7i.large"
	Architecture string `json:"architecture,omitempty"` // x86_64, arm64
	BootMode     string `json:"bootMode,omitempty"`     // legacy-bios, uefi, uefi-preferred
	RootDevice   string `json:"rootDevice,omitempty"`   // "/dev/xvda"
	ENA          bool   `json:"ena,omitempty"`          // enhanced networking
	EBSOptimized bool   `json:"ebsOptimized,omitempty"` // dedicated throughput to EBS
	Image        string `json:"image,omitempty"`        // that it was started from
	// What AWS charges for: details such as "Linux/UNIX" or "Windows", the code
	// on the bill such as "RunInstances:0002", and the codes of AWS Marketplace.
	PlatformDetails string   `json:"platformDetails,omitempty"`
	UsageOperation  string   `json:"usageOperation,omitempty"` // the code on the bill
	Products        []string `json:"products,omitempty"`       // sorted
	Platform        string   `json:"platform,omitempty"`       // "windows", else empty
	Lifecycle       string   `json:"lifecycle,omitempty"`      // "spot" and the like; empty for on demand
	KeyName         string   `json:"keyName,omitempty"`        // of the SSH key pair
	// Profile is the ARN of the instance profile.
	Profile  string            `json:"profile,omitempty"`
	Place    ManifestPlacement `json:"place,omitzero"`    // where it stood
	Metadata ManifestMetadata  `json:"metadata,omitzero"` // how it could ask for its metadata
	// Monitoring says that detailed monitoring was on.
	Monitoring  bool          `json:"monitoring,omitempty"`
	CPU         ManifestCPU   `json:"cpu,omitzero"`          // what of its processor it used
	Hibernation bool          `json:"hibernation,omitempty"` // configured for it
	Enclave     bool          `json:"enclave,omitempty"`     // Nitro Enclaves enabled
	Recovery    string        `json:"recovery,omitempty"`    // automatic recovery: "default", "disabled"
	Interfaces  []ManifestNIC `json:"interfaces,omitempty"`  // by card and index
	// SourceDestCheck says that the primary interface checks source and destination.
	SourceDestCheck bool `json:"sourceDestCheck,omitempty"`

	// Protection is what ManifestDetails.Protection asks for; nil if it did not.
	Protection *ManifestProtection `json:"protection,omitempty"`
	// UserData as EC2 tells it, in base64; empty if there is none, or
	// ManifestDetails.UserData did not ask for it.
	UserData Secret `json:"userData,omitzero"`
}

// A ManifestPlacement is where an instance stood.
type ManifestPlacement struct {
	Zone      string   `json:"zone,omitempty"`      // availability zone: "eu-west-1a"
	VPC       string   `json:"vpc,omitempty"`       // "vpc-…"
	Subnet    string   `json:"subnet,omitempty"`    // "subnet-…"
	Groups    []string `json:"groups,omitempty"`    // ids of the security groups, in AWS's order
	Tenancy   string   `json:"tenancy,omitempty"`   // default, dedicated, host
	Group     string   `json:"group,omitempty"`     // name of the placement group
	Partition int32    `json:"partition,omitempty"` // within Group, from 1
	Host      string   `json:"host,omitempty"`      // id of the dedicated host
	Affinity  string   `json:"affinity,omitempty"`  // to Host: "default", "host"
}

// ManifestMetadata is how an instance could ask for its metadata (IMDS).
type ManifestMetadata struct {
	Tokens   string `json:"tokens,omitempty"`   // optional, required
	Endpoint string `json:"endpoint,omitempty"` // enabled, disabled
	IPv6     string `json:"ipv6,omitempty"`     // enabled, disabled
	Tags     string `json:"tags,omitempty"`     // of the instance, in its metadata: enabled, disabled
	HopLimit int32  `json:"hopLimit,omitempty"` // of the answers, 1 to 64
}

// ManifestCPU is what of its processor an instance used.
type ManifestCPU struct {
	Cores   int32  `json:"cores,omitempty"`   // enabled
	Threads int32  `json:"threads,omitempty"` // of each core
	SEVSNP  string `json:"sevSnp,omitempty"`  // enabled, disabled
}

// A ManifestNIC is one network interface.
type ManifestNIC struct {
	Interface   string `json:"interface,omitempty"`   // "eni-…"
	Card        int32  `json:"card,omitempty"`        // network card
	Index       int32  `json:"index"`                 // on the card; 0 is the primary one of card 0
	Type        string `json:"type,omitempty"`        // interface, efa, …
	Description string `json:"description,omitempty"` // whoever made it gave it
	Subnet      string `json:"subnet,omitempty"`      // "subnet-…"
	MAC         string `json:"mac,omitempty"`         // EC2 gives a new interface another
	// Groups are the ids of the interface's security groups, in AWS's order.
	Groups []string `json:"groups,omitempty"`
	// Addresses are the private IPv4 addresses, the primary one first.
	Addresses []ManifestAddress `json:"addresses,omitempty"`
	IPv6      []string          `json:"ipv6,omitempty"`     // in AWS's order
	Prefixes  []string          `json:"prefixes,omitempty"` // delegated, IPv4 before IPv6
	// DeleteOnTermination says that the interface goes with the instance.
	DeleteOnTermination bool `json:"deleteOnTermination,omitempty"`
	SourceDestCheck     bool `json:"sourceDestCheck,omitempty"` // drops what is neither from nor for it
}

// A ManifestAddress is a private IPv4 address.
type ManifestAddress struct {
	Private string `json:"private"`           // "10.0.0.7"
	Public  string `json:"public,omitempty"`  // address it was reached at
	Elastic bool   `json:"elastic,omitempty"` // Public is the account's own, and outlives the instance
}

// ManifestProtection is what keeps an instance from going by mistake.
type ManifestProtection struct {
	Termination bool   `json:"termination"`        // DisableApiTermination
	Stop        bool   `json:"stop"`               // DisableApiStop
	Shutdown    string `json:"shutdown,omitempty"` // what a shutdown from within does: stop, terminate
}
