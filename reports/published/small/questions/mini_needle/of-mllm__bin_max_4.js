given("of-mllm__bin_max_4",{"outcomes":"332323311133223332321321","labels":null});
