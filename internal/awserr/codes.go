package awserr

// classes holds the codes whose class their name does not show. Sources:
// "Error codes for the Amazon EC2 API" (EC2 API Reference, client and server
// errors), "Common errors" of the STS, KMS and EBS direct API References, and
// the throttle codes of aws-sdk-go-v2 (aws/retry/standard.go), which lacks the
// per-volume rate and all limits of EC2 snapshots.
//
// Left out on purpose, so Other: SnapshotLimitExceeded (snapshots per
// Region), VolumeLimitExceeded and TagLimitExceeded, since waiting lifts none
// of them.
var classes = map[string]Class{
	// Too fast.
	"RequestLimitExceeded":                   Throttled,
	"Throttling":                             Throttled,
	"ThrottlingException":                    Throttled,
	"ThrottledException":                     Throttled,
	"RequestThrottled":                       Throttled,
	"RequestThrottledException":              Throttled,
	"TooManyRequestsException":               Throttled,
	"EC2ThrottledException":                  Throttled,
	"PriorRequestNotComplete":                Throttled,
	"ProvisionedThroughputExceededException": Throttled,
	"BandwidthLimitExceeded":                 Throttled,
	"SlowDown":                               Throttled,
	"ConcurrentTagAccess":                    Throttled, // two calls tag one resource at once
	"SnapshotCreationPerVolumeRateExceeded":  Throttled, // 15 s between snapshots of a volume

	// Too much at once.
	"ConcurrentSnapshotLimitExceeded":   Quota, // pending snapshots of one volume
	"PendingSnapshotLimitExceeded":      Quota, // pending snapshots of the account
	"ResourceLimitExceeded":             Quota, // concurrent copies into a Region
	"ConcurrentLimitExceededException":  Quota, // EBS direct, StartSnapshot
	"ServiceQuotaExceededException":     Quota,
	"InstanceLimitExceeded":             Quota,
	"VcpuLimitExceeded":                 Quota,
	"InsufficientFreeAddressesInSubnet": Quota,

	// Not allowed, or not known to AWS at all.
	"UnauthorizedOperation":       Denied,
	"AccessDenied":                Denied,
	"AccessDeniedException":       Denied,
	"KMSAccessDeniedException":    Denied,
	"NotAuthorized":               Denied,
	"AuthFailure":                 Denied,
	"OperationNotPermitted":       Denied,
	"OptInRequired":               Denied,
	"Blocked":                     Denied,
	"PendingVerification":         Denied,
	"InvalidClientTokenId":        Denied,
	"UnrecognizedClientException": Denied,
	"MissingAuthenticationToken":  Denied,
	"IncompleteSignature":         Denied,
	"SignatureDoesNotMatch":       Denied,
	"InvalidSignatureException":   Denied,
	"ExpiredToken":                Denied,
	"ExpiredTokenException":       Denied,
	"RequestExpired":              Denied,
	"RegionDisabledException":     Denied, // STS is off in the Region for that account
	"AccountNotActivated":         Denied,
	"AccountDisabled":             Denied,
	"AccountProblem":              Denied,

	// Not there.
	"NoSuchEntity":      NotFound,
	"NotFoundException": NotFound, // KMS

	// Not here.
	"UnsupportedOperation":          Unsupported,
	"UnsupportedOperationException": Unsupported,
	"Unsupported":                   Unsupported,
	"InvalidAction":                 Unsupported,
	"UnknownOperationException":     Unsupported,

	// Something broke on AWS's side, perhaps after the effect.
	"InternalError":               Unknown,
	"InternalFailure":             Unknown,
	"InternalServerError":         Unknown,
	"InternalServerException":     Unknown,
	"ServiceUnavailable":          Unknown,
	"ServiceUnavailableException": Unknown,
	"Unavailable":                 Unknown,
	"RequestTimeout":              Unknown,
	"RequestTimeoutException":     Unknown,
	"KMSInternalException":        Unknown,
	"DependencyTimeoutException":  Unknown,
	"RequestCanceled":             Unknown,
}
