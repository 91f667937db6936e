package differential

// judgements has what was found out about each disagreement that is known.
var judgements = []Judgement{}
