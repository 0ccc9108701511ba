package pace

// Published returns the limit of an EC2 API as AWS publishes it for every
// account and Region (EC2 Developer Guide, "Request token bucket sizes and
// refill rates"): calls that change something hold 50 tokens and get 5 back a
// second, the APIs below hold 100; calls that only read hold 100 and get 20
// back. Accounts may have other limits; Service Quotas shows them as "<API>
// request bucket maximum capacity" and "<API> request bucket refill rate".
func Published(api string) Limit {
	switch api {
	case "CreateSnapshot", "CreateSnapshots", "DeleteSnapshot", "ModifySnapshotAttribute",
		"CreateVolume", "DeleteVolume", "DeregisterImage", "TerminateInstances":
		return Limit{Burst: 100, Refill: 5}
	case "CreateTags", "DeleteTags":
		return Limit{Burst: 100, Refill: 10}
	case "RunInstances":
		return Limit{Burst: 5, Refill: 2}
	case "CopyImage":
		return Limit{Burst: 100, Refill: 1}
	}
	for _, prefix := range []string{"Describe", "List", "Search", "Get"} {
		if len(api) > len(prefix) && api[:len(prefix)] == prefix {
			return Limit{Burst: 100, Refill: 20}
		}
	}
	return Limit{Burst: 50, Refill: 5} // CopySnapshot among them
}
