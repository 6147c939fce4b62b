given("of-mllm__uniform_4",{"outcomes":"332233322233222332223322","labels":null});
