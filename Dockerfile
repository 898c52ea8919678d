# One image; the command says which service it is: python -m services.requests | services.referrals | services.reporting.
# `python -m samenspel` in it is the operator's command.
# No `# syntax` line: it would have BuildKit fetch one more image, and nothing here needs it.

FROM python:3.13-slim AS packages
RUN python -m venv --without-pip /opt/samenspel
COPY requirements.runtime.lock .
# Wheels only, so that no compiler is needed and nothing is run while installing.
RUN --mount=type=cache,target=/var/cache/pip \
    pip --cache-dir /var/cache/pip --disable-pip-version-check --python /opt/samenspel/bin/python install \
        --quiet --require-hashes --only-binary :all: --requirement requirements.runtime.lock
# Babel brings every language of the world (30 MB); we speak two.
RUN find /opt/samenspel/lib/python3*/site-packages/babel/locale-data -name '*.dat' \
        ! -name 'en*' ! -name 'nl*' ! -name root.dat -delete

FROM python:3.13-slim
# A number, so that an orchestrator can see that it is not root without asking the image.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin samenspel
COPY --from=packages /opt/samenspel /opt/samenspel
WORKDIR /app
COPY contracts contracts
COPY services services
COPY words words
COPY samenspel samenspel
# The code belongs to root: a service cannot change itself. So bytecode is made here.
RUN /opt/samenspel/bin/python -m compileall -q contracts words services samenspel
ENV PATH=/opt/samenspel/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
# No default service: whoever starts a container says which.
CMD ["python", "-m", "samenspel", "--help"]
