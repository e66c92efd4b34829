//! How workers go on, run out of time, die and end.

use std::time::Duration;

use contact_bridge::{
    flows::{
        form::{Answer, Forms},
        queue::End,
    },
    model::submission::Submission,
    ports::StoreResult,
};

use super::{
    super::executor::Task,
    Plant,
    history::Running,
    world::{Job, lock},
};

/// How long the queue hides a job that a worker has, in milliseconds.
const VISIBILITY: i64 = 180_000;
/// How long a worker lives, in milliseconds.
const PATIENCE: i64 = 20_000;
/// How soon a sender that was not answered comes again, in milliseconds.
const AGAIN: i64 = 90_000;

/// How a worker's job ended.
pub(super) enum Ended {
    /// A sender was answered.
    Answered(StoreResult<Answer>),
    /// A job of the queue was worked off.
    Worked(StoreResult<End>),
}

/// A worker with a job.
pub(super) struct Worker {
    pub number: u64,
    pub job: Job,
    pub submission: Submission,
    /// When it began, unless it is out of time already.
    pub begun: Option<i64>,
    pub task: Task<Ended>,
}

impl Running {
    /// A worker dies: nobody is answered, and the queue delivers its job again.
    pub(super) fn crash(&mut self, nth: usize) {
        let worker = self.workers.swap_remove(nth);
        lock(&self.world).trace(("crash", worker.number));
        self.fail(worker.job);
    }

    fn fail(&self, job: Job) {
        let mut world = lock(&self.world);
        match job {
            Job::Queued(_) if self.plant == Plant::AcknowledgesFailures => {}
            Job::Queued(_) => {
                let due = world.now + VISIBILITY;
                world.deliver_at(due, job);
            }
            Job::Post(_) => world.deliver_within(AGAIN, job),
        }
    }

    pub(super) fn go_on(&mut self, nth: usize) {
        let Some(worker) = self.workers.get_mut(nth) else { return };
        let now = {
            let mut world = lock(&self.world);
            world.worker = worker.number;
            world.now
        };
        if worker.begun.is_some_and(|begun| now > begun + PATIENCE) {
            worker.begun = None;
            worker.task = hold(&self.forms, &worker.submission, matches!(worker.job, Job::Post(_)));
        }
        if let Some(ended) = worker.task.step() {
            let worker = self.workers.swap_remove(nth);
            self.ended += 1;
            self.end(worker, &ended);
        }
    }

    fn end(&self, worker: Worker, ended: &Ended) {
        {
            let mut world = lock(&self.world);
            world.trace(("end", worker.number, name(ended)));
            let turn = world.turns.remove(&worker.number);
            let is_done = matches!(ended, Ended::Answered(Ok(Answer::Done(_))) | Ended::Worked(Ok(End::Done)));
            if let Some(turn) = turn.filter(|turn| is_done && turn.claimed) {
                world.done.insert(turn.id, turn.at);
            }
        }
        match (ended, worker.job) {
            (Ended::Answered(Ok(_)), Job::Post(number)) => self.answered(number),
            (Ended::Answered(Err(_)) | Ended::Worked(Err(_)), job) => self.fail(job),
            (Ended::Answered(Ok(_)), Job::Queued(_)) | (Ended::Worked(Ok(_)), _) => {}
        }
    }

    /// A sender was answered; some come again all the same.
    fn answered(&self, number: usize) {
        let mut world = lock(&self.world);
        if let Some(post) = world.posts.get_mut(number) {
            post.accepted = true;
        }
        let repeats = world.chaos.repeats;
        if world.chance(repeats) {
            world.deliver_within(2 * AGAIN, Job::Post(number));
        }
    }
}

const fn name(ended: &Ended) -> &'static str {
    match ended {
        Ended::Answered(Ok(Answer::Done(_))) | Ended::Worked(Ok(End::Done)) => "done",
        Ended::Answered(Ok(Answer::Waiting)) | Ended::Worked(Ok(End::Later)) => "later",
        Ended::Answered(Ok(Answer::Refused(_))) | Ended::Worked(Ok(End::Dead)) => "refused",
        Ended::Answered(Err(_)) | Ended::Worked(Err(_) | Ok(End::Failed)) => "failed",
    }
}

/// Whoever waited for too long is told that it is stored.
fn hold(forms: &Forms, submission: &Submission, is_post: bool) -> Task<Ended> {
    let (forms, mut submission) = (forms.clone(), submission.clone());
    submission.attempts += u32::from(!is_post);
    Task::new(async move {
        let held = forms.hold(&submission, Duration::from_mins(1)).await;
        if is_post { Ended::Answered(held.map(|()| Answer::Waiting)) } else { Ended::Worked(held.map(|()| End::Later)) }
    })
}
