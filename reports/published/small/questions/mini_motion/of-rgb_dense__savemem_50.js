given("of-rgb_dense__savemem_50",{"outcomes":"221111221221212122122111","labels":null});
