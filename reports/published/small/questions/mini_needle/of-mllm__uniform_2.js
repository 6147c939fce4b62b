given("of-mllm__uniform_2",{"outcomes":"122121222221222112222122","labels":null});
