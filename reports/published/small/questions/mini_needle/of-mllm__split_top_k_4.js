given("of-mllm__split_top_k_4",{"outcomes":"332313233333223333213321","labels":null});
