given("of-rgb_dense__dycoke_decode_5",{"outcomes":"221112212121212122122111","labels":null});
