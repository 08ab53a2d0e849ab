//! One incident of a report, alone.

use super::ReportView;

impl ReportView {
    /// The report as if the incident at this place were the only one, under this number; `None` if there is none. What was watched and how
    /// complete it was stays as it is.
    pub fn only(&self, place: usize, number: usize) -> Option<ReportView> {
        let mut incident = self.incidents.get(place)?.clone();
        incident.number = number;
        let mut only = ReportView { incidents: Vec::new(), ..self.clone() };
        only.incidents.push(incident);
        only.outcome.sentence = "1 incident found.".to_owned();
        Some(only)
    }
}
