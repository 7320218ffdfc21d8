// The evaluation report: computed from predictions in the store, shown by the command line, the editor and the docs. Its
// shape is domain's, which makes it.
export type { Correlation, Estimate, EvaluationReport, EvaluationRow, EvaluationTable, Finding, PairedDifference } from '../domain/report.ts';
