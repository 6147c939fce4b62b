given("of-mllm__random_4",{"outcomes":"322323323212233322323322","labels":null});
