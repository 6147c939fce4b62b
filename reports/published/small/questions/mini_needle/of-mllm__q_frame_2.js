given("of-mllm__q_frame_2",{"outcomes":"332313333333223232233323","labels":null});
