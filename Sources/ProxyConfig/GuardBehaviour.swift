/// What the annotations that keep somebody out of a route say, none of which can be done yet: by
/// another server's word, by password, by address.
///
/// A route that was guarded must not stand open because it moved here, so it answers 503.
struct GuardBehaviour {
    private var isAsked = false
    private var isElsewhere = false

    /// No request may be answered by a backend.
    var closes: Bool { isAsked && !isElsewhere }

    mutating func apply(_ name: String, _ value: AnnotationValue) {
        if name == "serve-unguarded" {
            value.boolean { isElsewhere = $0 }
        } else {
            isAsked = true
        }
    }
}
