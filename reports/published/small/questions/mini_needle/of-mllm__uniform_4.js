given("of-mllm__uniform_4",{"outcomes":"122211222221222112222122","labels":null});
