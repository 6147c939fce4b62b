given("of-mllm__question_top_k_4",{"outcomes":"332213212133222332223321","labels":null});
